import { join } from 'node:path';
import { identityFiles } from './identities.js';
import type { ProgramName } from './catalog.js';
import { apiPort, clusterDomain, podRange, serviceRange, type Settings } from './settings.js';

/** One program of the cluster: its command line, and the files that it reads. Words: each program's own flags. */
export interface Component {
  readonly name: string;
  readonly program: ProgramName | 'containerd';
  readonly args: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** An image that does nothing: each pod's first container, which keeps its network namespace. */
export const busyboxImage = 'localhost/busybox:1';

export function containerdSocket({ stateDir }: Settings): string {
  return join(stateDir, 'run', 'containerd.sock');
}

/** What needs no API server: these start first, together with the API server itself, which waits for etcd. */
export function foundations(settings: Settings, cniFolder: string): Component[] {
  return [etcd(settings), containerd(settings, cniFolder), apiServer(settings)];
}

/** What would give up without an API server. */
export function dependents(settings: Settings): Component[] {
  return [
    kubelet(settings),
    proxy(settings),
    controllerManager(settings),
    scheduler(settings),
    coreDns(settings),
  ];
}

function etcd({ stateDir }: Settings): Component {
  return {
    name: 'etcd',
    program: 'etcd',
    files: {},
    args: flags({
      'data-dir': join(stateDir, 'etcd'),
      'listen-client-urls': 'http://127.0.0.1:2379',
      'advertise-client-urls': 'http://127.0.0.1:2379',
      'listen-peer-urls': 'http://127.0.0.1:2380',
      'unsafe-no-fsync': 'true',
      'log-level': 'warn',
    }),
  };
}

function apiServer(settings: Settings): Component {
  const files = identityFiles(settings);
  return {
    name: 'kube-apiserver',
    program: 'kube-apiserver',
    files: {},
    args: flags({
      'advertise-address': settings.nodeAddress,
      'secure-port': apiPort,
      'etcd-servers': 'http://127.0.0.1:2379',
      'service-cluster-ip-range': serviceRange,
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'client-ca-file': files.ca,
      'tls-cert-file': files.apiServer.certificate,
      'tls-private-key-file': files.apiServer.key,
      'cert-dir': files.folder,
      'kubelet-preferred-address-types': 'InternalIP',
      'kubelet-certificate-authority': files.ca,
      'kubelet-client-certificate': files.kubeletClient.certificate,
      'kubelet-client-key': files.kubeletClient.key,
      'requestheader-client-ca-file': files.ca,
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': files.frontProxy.certificate,
      'proxy-client-key-file': files.frontProxy.key,
      'service-account-issuer': `https://kubernetes.default.svc.${clusterDomain}`,
      'service-account-key-file': files.tokenPublicKey,
      'service-account-signing-key-file': files.tokenKey,
      'allow-privileged': 'true',
      profiling: 'false',
    }),
  };
}

function controllerManager(settings: Settings): Component {
  const files = identityFiles(settings);
  return {
    name: 'kube-controller-manager',
    program: 'kube-controller-manager',
    files: {},
    args: flags({
      kubeconfig: files.kubeconfig('controller-manager'),
      'authentication-kubeconfig': files.kubeconfig('controller-manager'),
      'authorization-kubeconfig': files.kubeconfig('controller-manager'),
      'root-ca-file': files.ca,
      'service-account-private-key-file': files.tokenKey,
      'cluster-cidr': podRange,
      'allocate-node-cidrs': 'false',
      'leader-elect': 'false',
      // As on real clusters: each controller comes to admission under a user name of its own.
      'use-service-account-credentials': 'true',
      'cert-dir': files.folder,
      // No cloud, no join of further nodes, no certificates on request: their watches would only cost.
      controllers: [
        '*',
        '-bootstrap-signer-controller',
        '-token-cleaner-controller',
        '-certificatesigningrequest-signing-controller',
        '-certificatesigningrequest-approving-controller',
        '-certificatesigningrequest-cleaner-controller',
        '-node-route-controller',
        '-service-lb-controller',
        '-node-ipam-controller',
      ].join(','),
      'kube-api-qps': 100,
      'kube-api-burst': 200,
      profiling: 'false',
    }),
  };
}

function scheduler(settings: Settings): Component {
  const kubeconfig = identityFiles(settings).kubeconfig('scheduler');
  return {
    name: 'kube-scheduler',
    program: 'kube-scheduler',
    files: {},
    args: flags({
      kubeconfig,
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'cert-dir': identityFiles(settings).folder,
      'leader-elect': 'false',
      'kube-api-qps': 100,
      'kube-api-burst': 200,
      profiling: 'false',
    }),
  };
}

function proxy(settings: Settings): Component {
  const config = join(settings.stateDir, 'proxy.json');
  return {
    name: 'kube-proxy',
    program: 'kube-proxy',
    args: flags({ config }),
    files: {
      [config]: json({
        apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
        kind: 'KubeProxyConfiguration',
        clientConnection: { kubeconfig: identityFiles(settings).kubeconfig('proxy') },
        hostnameOverride: settings.nodeName,
        mode: 'iptables',
        clusterCIDR: podRange,
        iptables: { minSyncPeriod: '0s' },
        // These limits belong to the whole machine; leave them as they are.
        conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
      }),
    },
  };
}

function kubelet(settings: Settings): Component {
  const { stateDir, nodeAddress, nodeName, cgroup } = settings;
  const files = identityFiles(settings);
  const config = join(stateDir, 'kubelet.json');
  const resolvConf = join(stateDir, 'resolv.conf');
  return {
    name: 'kubelet',
    program: 'kubelet',
    args: flags({
      config,
      kubeconfig: files.kubeconfig('kubelet'),
      'cert-dir': files.folder,
      'hostname-override': nodeName,
      'node-ip': nodeAddress,
      'housekeeping-interval': '30s',
    }),
    files: {
      [resolvConf]: `nameserver ${nodeAddress}\n`,
      [config]: json({
        apiVersion: 'kubelet.config.k8s.io/v1beta1',
        kind: 'KubeletConfiguration',
        address: nodeAddress,
        tlsCertFile: files.kubeletServer.certificate,
        tlsPrivateKeyFile: files.kubeletServer.key,
        authentication: {
          anonymous: { enabled: false },
          webhook: { enabled: true },
          x509: { clientCAFile: files.ca },
        },
        authorization: { mode: 'Webhook' },
        containerRuntimeEndpoint: `unix://${containerdSocket(settings)}`,
        cgroupDriver: 'cgroupfs',
        cgroupRoot: `/${cgroup}`,
        enforceNodeAllocatable: [],
        failSwapOn: false,
        localStorageCapacityIsolation: false,
        clusterDNS: [nodeAddress],
        clusterDomain,
        resolvConf,
        maxPods: 200,
        serializeImagePulls: false,
        // The machine's disk and memory are shared with whatever else runs; 0 would be refused.
        evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
        imageGCHighThresholdPercent: 100,
        imageGCLowThresholdPercent: 99,
        volumeStatsAggPeriod: '-1s',
        volumePluginDir: join(stateDir, 'volume-plugins'),
        kubeAPIQPS: 100,
        kubeAPIBurst: 200,
        eventRecordQPS: 50,
        eventBurst: 100,
        enableProfilingHandler: false,
      }),
    },
  };
}

function coreDns(settings: Settings): Component {
  const config = join(settings.stateDir, 'Corefile');
  return {
    name: 'coredns',
    program: 'coredns',
    args: ['-conf', config],
    files: {
      // Names outside the cluster get no answer but REFUSED, at once.
      [config]: `${clusterDomain}:53 in-addr.arpa:53 {
  bind ${settings.nodeAddress}
  errors
  kubernetes ${clusterDomain} in-addr.arpa {
    kubeconfig ${identityFiles(settings).kubeconfig('coredns')}
    pods insecure
    ttl 2
  }
}
`,
    },
  };
}

function containerd(settings: Settings, cniFolder: string): Component {
  const { stateDir } = settings;
  const config = join(stateDir, 'containerd.toml');
  const network = join(stateDir, 'cni', '10-sluice.conflist');
  return {
    name: 'containerd',
    program: 'containerd',
    args: ['--config', config],
    files: {
      [config]: `version = 2
root = "${join(stateDir, 'containerd')}"
state = "${join(stateDir, 'run', 'containerd')}"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "${containerdSocket(settings)}"
[debug]
  level = "warn"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${busyboxImage}"
  # Without CAP_SYS_RESOURCE runc otherwise dies with "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder}"
    conf_dir = "${join(stateDir, 'cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`,
      // Each pod on a link of its own: traffic between pods is routed, so that Services work for it without br_netfilter.
      [network]: json({
        cniVersion: '0.4.0',
        name: 'sluice',
        plugins: [
          {
            type: 'ptp',
            ipam: {
              type: 'host-local',
              dataDir: join(stateDir, 'run', 'addresses'),
              ranges: [[{ subnet: podRange }]],
              routes: [{ dst: '0.0.0.0/0' }],
            },
          },
          { type: 'portmap', capabilities: { portMappings: true } },
        ],
      }),
    },
  };
}

function flags(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
