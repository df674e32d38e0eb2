import { isAtLeast, type Version } from './versions.js';

/** What each program of the cluster must be, and where it is to be had. */
export const kubernetesVersion = '1.34.4';
export const etcdVersion = '3.6.4';
export const coreDnsVersion = '1.12.4';
export const helmVersion = '3.20.0';

/** One binary, built together. */
export const kubernetesPrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const;
export const programNames = [...kubernetesPrograms, 'coredns', 'helm'] as const;
export type ProgramName = (typeof programNames)[number];

/** One Go build; `kubernetes` yields several programs in one binary. */
export type BuildName = 'kubernetes' | 'coredns' | 'helm';

export interface Release {
  readonly url: string;
  /** A file that holds the SHA-256, alone or in lines of `sum  file`. */
  readonly sumUrl: string;
  /** Where the program lies inside, when `url` is a gzipped tar. */
  readonly member?: string;
}

export interface Program {
  /** Environment variable that names a binary to use. */
  readonly variable: string;
  /** Arguments that make it say its version. */
  readonly versionArgs: readonly string[];
  readonly wants: string;
  readonly accepts: (version: Version) => boolean;
  readonly build: BuildName;
  /** @param arch Go's word for the processor: `amd64`, `arm64` */
  readonly release: (arch: string) => Release;
}

/** Where official releases lie; tests pass their own. */
export interface Hosts {
  readonly kubernetes: string;
  readonly github: string;
  readonly helm: string;
}

export const officialHosts: Hosts = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  helm: 'https://get.helm.sh',
};

export function catalog(hosts: Hosts = officialHosts): Record<ProgramName, Program> {
  // One minor version for all servers: a kubelet may not be newer than its API server, 1.35 refuses cgroup v1.
  const server = (name: string): Program => ({
    variable: variableOf(name),
    versionArgs: ['--version'],
    wants: '1.34',
    accepts: ({ major, minor }) => major === 1 && minor === 34,
    build: 'kubernetes',
    release: (arch) => kubernetesRelease(hosts, name, arch),
  });
  return {
    'kube-apiserver': server('kube-apiserver'),
    'kube-controller-manager': server('kube-controller-manager'),
    'kube-scheduler': server('kube-scheduler'),
    kubelet: server('kubelet'),
    'kube-proxy': server('kube-proxy'),
    kubectl: {
      variable: variableOf('kubectl'),
      versionArgs: ['version', '--client'],
      wants: 'at least 1.32',
      accepts: (version) => isAtLeast(version, 1, 32),
      build: 'kubernetes',
      release: (arch) => kubernetesRelease(hosts, 'kubectl', arch),
    },
    etcd: {
      variable: variableOf('etcd'),
      versionArgs: ['--version'],
      wants: 'at least 3.6',
      accepts: (version) => isAtLeast(version, 3, 6),
      build: 'kubernetes',
      release: (arch) => {
        const base = `${hosts.github}/etcd-io/etcd/releases/download/v${etcdVersion}`;
        const folder = `etcd-v${etcdVersion}-linux-${arch}`;
        return { url: `${base}/${folder}.tar.gz`, sumUrl: `${base}/SHA256SUMS`, member: `${folder}/etcd` };
      },
    },
    coredns: {
      variable: variableOf('coredns'),
      versionArgs: ['-version'],
      wants: 'at least 1.11',
      accepts: (version) => isAtLeast(version, 1, 11),
      build: 'coredns',
      release: (arch) => {
        const base = `${hosts.github}/coredns/coredns/releases/download/v${coreDnsVersion}`;
        const url = `${base}/coredns_${coreDnsVersion}_linux_${arch}.tgz`;
        return { url, sumUrl: `${url}.sha256`, member: 'coredns' };
      },
    },
    helm: {
      variable: variableOf('helm'),
      versionArgs: ['version', '--short'],
      wants: '3',
      accepts: ({ major }) => major === 3,
      build: 'helm',
      release: (arch) => {
        const url = `${hosts.helm}/helm-v${helmVersion}-linux-${arch}.tar.gz`;
        return { url, sumUrl: `${url}.sha256sum`, member: `linux-${arch}/helm` };
      },
    },
  };
}

function variableOf(name: string): string {
  return `SLUICE_${name.toUpperCase().replaceAll('-', '_')}`;
}

function kubernetesRelease(hosts: Hosts, name: string, arch: string): Release {
  const url = `${hosts.kubernetes}/release/v${kubernetesVersion}/bin/linux/${arch}/${name}`;
  return { url, sumUrl: `${url}.sha256` };
}
