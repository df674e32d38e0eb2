import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { exchange } from '../lib/emqx/http.js';
import type { Peers } from './decide.js';

/** How to find the nodes that this one ought to join. */
export interface PeerSource {
  /** Addresses behind the headless Service. */
  addresses(): Promise<string[]>;
  /** This pod's own addresses. */
  own(): string[];
  /** Whether an EMQX node answers at an address. */
  answers(address: string, signal: AbortSignal): Promise<boolean>;
}

/** As many peers as are asked at one look; any that answers decides. */
const MOST_ASKED = 16;

/** Looks for a node to join. */
export async function findPeers(source: PeerSource, signal: AbortSignal): Promise<Peers> {
  const own = new Set(source.own());
  const named = await source.addresses();
  const others = named.filter((address) => !own.has(address)).slice(0, MOST_ASKED);
  const answers = await Promise.all(others.map((address) => source.answers(address, signal)));
  if (answers.includes(true)) return { kind: 'some' };
  return { kind: named.some((address) => own.has(address)) ? 'none' : 'unknown' };
}

/** Peers by DNS of the headless Service, and EMQX's `GET /status`, which needs no key. */
export function servicePeers(service: string, apiPort: number): PeerSource {
  return {
    addresses: async () => {
      if (service === '') return [];
      const found = await lookup(service, { all: true }).catch(() => []);
      return found.map(({ address }) => address);
    },
    own: () =>
      Object.values(networkInterfaces()).flatMap(
        (addresses) => addresses?.map(({ address }) => address) ?? [],
      ),
    answers: (host, signal) =>
      exchange({
        host,
        port: apiPort,
        method: 'GET',
        path: '/status',
        timeoutMs: 2_000,
        maxBytes: 65_536,
        signal,
      }).then(
        ({ status }) => status === 200,
        () => false,
      ),
  };
}
