import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, makeTokenKeys, type Authority } from './pki.js';
import { apiPort, clusterDomain, kubernetesServiceAddress, type Settings } from './settings.js';

/** Who may call the API server, as what. `admin` is the user's own. */
const clients = {
  admin: { user: 'admin', group: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager' },
  scheduler: { user: 'system:kube-scheduler' },
  proxy: { user: 'system:kube-proxy' },
  coredns: { user: 'coredns', group: 'system:masters' },
} as const;
export type ClientName = keyof typeof clients | 'kubelet';

/** Paths of the files that `writeIdentities` writes. */
export function identityFiles({ stateDir, kubeconfig }: Settings) {
  const pki = (file: string): string => join(stateDir, 'pki', file);
  const pair = (name: string) => ({ certificate: pki(`${name}.crt`), key: pki(`${name}.key`) });
  return {
    folder: join(stateDir, 'pki'),
    ca: pki('ca.crt'),
    apiServer: pair('apiserver'),
    kubeletServer: pair('kubelet'),
    kubeletClient: pair('kubelet-client'),
    frontProxy: pair('front-proxy'),
    tokenKey: pki('tokens.key'),
    tokenPublicKey: pki('tokens.pub'),
    kubeconfig: (client: ClientName): string =>
      client === 'admin' ? kubeconfig : pki(`${client}.kubeconfig`),
  };
}

/** Makes fresh certificates and the kubeconfigs that carry them, for one life of the cluster. */
export function writeIdentities(settings: Settings): void {
  const files = identityFiles(settings);
  mkdirSync(files.folder, { recursive: true, mode: 0o700 });
  const authority = makeAuthority('sluice-cluster');
  const { nodeAddress, nodeName } = settings;
  const write = (path: string, text: string): void => {
    writeFileSync(path, text, { mode: 0o600 });
  };
  const writePair = (paths: typeof files.apiServer, subject: Parameters<Authority['issue']>[0]): void => {
    const { certificate, key } = authority.issue(subject);
    write(paths.certificate, certificate);
    write(paths.key, key);
  };

  write(files.ca, authority.certificate);
  writePair(files.apiServer, {
    user: 'kube-apiserver',
    addresses: [nodeAddress, '127.0.0.1', kubernetesServiceAddress],
    names: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${clusterDomain}`,
    ],
  });
  writePair(files.kubeletServer, {
    user: `system:node:${nodeName}`,
    addresses: [nodeAddress],
    names: [nodeName],
  });
  writePair(files.kubeletClient, { user: 'kube-apiserver-kubelet-client', group: 'system:masters' });
  writePair(files.frontProxy, { user: 'front-proxy-client' });
  const tokens = makeTokenKeys();
  write(files.tokenKey, tokens.privatePem);
  write(files.tokenPublicKey, tokens.publicPem);

  const kubelet = { user: `system:node:${nodeName}`, group: 'system:nodes' };
  for (const [name, subject] of Object.entries({ ...clients, kubelet }) as [ClientName, typeof kubelet][]) {
    const { certificate, key } = authority.issue(subject);
    write(
      files.kubeconfig(name),
      kubeconfigText({
        server: `https://${nodeAddress}:${apiPort}`,
        ca: authority.certificate,
        certificate,
        key,
      }),
    );
  }
}

function kubeconfigText(values: { server: string; ca: string; certificate: string; key: string }): string {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'sluice',
      contexts: [{ name: 'sluice', context: { cluster: 'sluice', user: 'sluice' } }],
      clusters: [
        {
          name: 'sluice',
          cluster: { server: values.server, 'certificate-authority-data': base64(values.ca) },
        },
      ],
      users: [
        {
          name: 'sluice',
          user: {
            'client-certificate-data': base64(values.certificate),
            'client-key-data': base64(values.key),
          },
        },
      ],
    },
    null,
    2,
  )}\n`;
}
