import { lookup, resolveSrv } from 'node:dns/promises';

/** How a node learns the names of others. @see emqx/ekka: src/ekka_cluster_dns.erl, src/ekka_cluster_k8s.erl */
export type Discovery =
  | { readonly kind: 'manual' }
  | { readonly kind: 'static'; readonly seeds: readonly string[] }
  | { readonly kind: 'dns'; readonly name: string; readonly record: 'a' | 'aaaa' | 'srv' };

/** Names that discovery gives now, perhaps with our own. An answer that never comes right is empty for ever. */
export async function discover(discovery: Discovery, self: string): Promise<readonly string[]> {
  const part = self.slice(0, self.indexOf('@'));
  switch (discovery.kind) {
    case 'manual':
      return [];
    case 'static':
      return discovery.seeds;
    case 'dns':
      return [...new Set((await hosts(discovery)).map((host) => `${part}@${host}`))];
    default:
      return discovery satisfies never;
  }
}

/** A and AAAA go through the system's resolver, with its search domains; SRV names are absolute. */
async function hosts({ name, record }: Extract<Discovery, { kind: 'dns' }>): Promise<readonly string[]> {
  try {
    if (record === 'srv') return (await resolveSrv(name)).map((found) => found.name.replace(/\.$/, ''));
    return (await lookup(name, { all: true, family: record === 'a' ? 4 : 6 })).map(({ address }) => address);
  } catch {
    return [];
  }
}
