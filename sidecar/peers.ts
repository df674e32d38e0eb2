import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { exchange } from '../lib/emqx/http.js';
import type { Peers } from './decide.js';

/** What an address says of itself; `silent`: neither that a node runs there nor that none does. */
export type Answer = 'runs' | 'refused' | 'silent';

/** How to find the nodes that this one ought to join. */
export interface PeerSource {
  /**
   * Addresses behind the headless Service; none when there is no such name.
   * @throws Error when the name could not be looked up
   */
  addresses(): Promise<string[]>;
  /** This pod's own addresses. */
  own(): string[];
  /** Whether an EMQX node answers at an address. */
  answers(address: string, signal: AbortSignal): Promise<Answer>;
}

/** As many peers are asked at once. */
const ASKED_AT_ONCE = 16;

/** Looks for a node to join. */
export async function findPeers(source: PeerSource, signal: AbortSignal): Promise<Peers> {
  const own = new Set(source.own());
  const named = await source.addresses().catch(() => undefined);
  if (!named) return { kind: 'unresolved' };
  const others = named.filter((address) => !own.has(address));
  let isAnySilent = false;
  // One that runs decides; that none does is known only of all, however large the set.
  for (let from = 0; from < others.length; from += ASKED_AT_ONCE) {
    const asked = others.slice(from, from + ASKED_AT_ONCE);
    const answers = await Promise.all(asked.map((address) => source.answers(address, signal)));
    if (answers.includes('runs')) return { kind: 'some' };
    isAnySilent ||= answers.includes('silent');
  }
  if (isAnySilent) return { kind: 'silent' };
  return { kind: named.some((address) => own.has(address)) ? 'none' : 'unknown' };
}

/**
 * Peers by DNS of the headless Service, and EMQX's `GET /status`, which needs no key.
 * @param find looks a name up, as node:dns does
 */
export function servicePeers(
  service: string,
  apiPort: number,
  find: (name: string) => Promise<{ address: string }[]> = (name) => lookup(name, { all: true }),
): PeerSource {
  return {
    addresses: async () => {
      if (service === '') return [];
      try {
        return (await find(service)).map(({ address }) => address);
      } catch (error) {
        if (codeOf(error) === 'ENOTFOUND') return [];
        throw error;
      }
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
        ({ status }) => (status === 200 ? 'runs' : 'silent'),
        // a host that is there, and nobody listens: all else may be a peer that is slow, or a network that fails
        (error: unknown) => (codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'silent'),
      ),
  };
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
