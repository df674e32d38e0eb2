import type { Clock } from '../time.js';
import { distributionPort, Link, rpcPort, RpcError, type Identity } from './link.js';

interface Peer {
  distribution: Link | undefined;
  rpc: Link | undefined;
  /** The peer's own connection to us has told all that it holds. */
  isSynced: boolean;
  isWanted: boolean;
  /** How often dialling has ended, well or not. */
  attempts: number;
}

export interface PeersOptions {
  readonly self: Identity;
  readonly clock: Clock;
  readonly silenceMs: number;
  readonly redialMs: number;
  /** False: nothing is dialled, as if the network between the nodes were cut. */
  readonly isOpen: () => boolean;
  /** Both our connections to the peer are up: tell it what we hold. */
  readonly onUp: (link: Link) => void;
  readonly onDown: (node: string) => void;
}

/** Our connections to the other members of the cluster, kept up while they are members. */
export class Peers {
  readonly #peers = new Map<string, Peer>();

  constructor(readonly options: PeersOptions) {}

  /** Members to which both ways work, in order of name. */
  running(): readonly string[] {
    return [...this.#peers]
      .filter(([, peer]) => isRunning(peer))
      .map(([name]) => name)
      .sort();
  }

  isRunning(node: string): boolean {
    const peer = this.#peers.get(node);
    return peer !== undefined && isRunning(peer);
  }

  hasTried(node: string): boolean {
    return (this.#peers.get(node)?.attempts ?? 0) > 0;
  }

  synced(node: string): void {
    const peer = this.#peers.get(node);
    if (peer) peer.isSynced = true;
  }

  gone(node: string): void {
    const peer = this.#peers.get(node);
    if (peer) peer.isSynced = false;
  }

  /** Keeps exactly these connected. */
  want(nodes: readonly string[]): void {
    for (const [name, peer] of this.#peers) {
      if (nodes.includes(name)) continue;
      peer.isWanted = false;
      this.#peers.delete(name);
      peer.distribution?.close();
      peer.rpc?.close();
    }
    for (const name of nodes) {
      if (this.#peers.has(name)) continue;
      const peer: Peer = {
        distribution: undefined,
        rpc: undefined,
        isSynced: false,
        isWanted: true,
        attempts: 0,
      };
      this.#peers.set(name, peer);
      void this.#keepUp(name, peer);
    }
  }

  /** Cuts every connection; they come back while `isOpen` says so. */
  cut(): void {
    for (const peer of this.#peers.values()) {
      peer.distribution?.close();
      peer.rpc?.close();
    }
  }

  /** Asks over Erlang's distribution. */
  ask(node: string, method: string, params: unknown, timeoutMs?: number): Promise<unknown> {
    const link = this.#peers.get(node)?.distribution;
    return link
      ? link.call(method, params, timeoutMs)
      : Promise.reject(new RpcError(`${node} is not connected`));
  }

  /** Asks over gen_rpc, where sessions travel. */
  askRpc(node: string, method: string, params: unknown, timeoutMs?: number): Promise<unknown> {
    const link = this.#peers.get(node)?.rpc;
    return link
      ? link.call(method, params, timeoutMs)
      : Promise.reject(new RpcError(`${node} is not connected`));
  }

  /** Tells over gen_rpc, where messages travel. */
  tellRpc(node: string, method: string, params: unknown): void {
    this.#peers.get(node)?.rpc?.cast(method, params);
  }

  /** Tells every connected peer over the distribution. */
  tellAll(method: string, params: unknown): void {
    for (const { distribution } of this.#peers.values()) distribution?.cast(method, params);
  }

  /**
   * Asks every running peer; those that fail or are late are left out. One that is only half connected has heard already
   * what this node held: it is told, and not waited for.
   */
  async askAll(
    method: string,
    params: unknown,
    timeoutMs?: number,
  ): Promise<readonly (readonly [string, unknown])[]> {
    for (const peer of this.#peers.values()) if (!isRunning(peer)) peer.distribution?.cast(method, params);
    const answers = await Promise.all(
      this.running().map(async (node): Promise<readonly [string, unknown] | undefined> => {
        try {
          return [node, await this.ask(node, method, params, timeoutMs)];
        } catch {
          return undefined;
        }
      }),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  async #keepUp(name: string, peer: Peer): Promise<void> {
    const { self, clock, silenceMs, redialMs, isOpen, onUp, onDown } = this.options;
    while (peer.isWanted) {
      let opened: Link[] = [];
      try {
        if (!isOpen()) throw new RpcError('cut off');
        const distribution = await Link.open(name, distributionPort, self, silenceMs);
        opened = [distribution];
        const rpc = await Link.open(name, rpcPort, self, silenceMs);
        opened = [distribution, rpc];
        peer.distribution = distribution;
        peer.rpc = rpc;
        peer.attempts += 1;
        if (peer.isWanted) {
          onUp(distribution);
          await Promise.race([distribution.closed, rpc.closed]);
        }
      } catch {
        peer.attempts += 1;
      }
      const wasUp = peer.rpc !== undefined;
      peer.distribution = undefined;
      peer.rpc = undefined;
      for (const link of opened) link.close();
      if (wasUp) onDown(name);
      if (peer.isWanted) await new Promise<void>((resolve) => void clock.after(redialMs, resolve));
    }
  }
}

function isRunning(peer: Peer): boolean {
  return peer.rpc !== undefined && peer.isSynced;
}
