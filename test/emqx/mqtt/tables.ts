import { TopicIndex } from './topics.js';

/** What one node tells another when they have just connected. */
export interface Sync {
  readonly clients: readonly string[];
  readonly filters: readonly string[];
}

/** What is known of the other nodes' clients and subscriptions: EMQX's client registry and route table. */
export class Tables {
  readonly #owner = new Map<string, string>();
  readonly #filters = new Map<string, Set<string>>();
  readonly #routes = new TopicIndex<string>();

  /** The other node that holds the client's session. */
  ownerOf(clientId: string): string | undefined {
    return this.#owner.get(clientId);
  }

  /** Sessions on other nodes. */
  clientCount(): number {
    return this.#owner.size;
  }

  own(node: string, clientId: string): void {
    this.#owner.set(clientId, node);
  }

  disown(node: string, clientId: string): void {
    if (this.#owner.get(clientId) === node) this.#owner.delete(clientId);
  }

  route(node: string, filter: string): void {
    let filters = this.#filters.get(node);
    if (!filters) this.#filters.set(node, (filters = new Set()));
    filters.add(filter);
    this.#routes.add(filter, node);
  }

  unroute(node: string, filter: string): void {
    this.#filters.get(node)?.delete(filter);
    this.#routes.delete(filter, node);
  }

  /** Replaces all that is known of `node`. */
  sync(node: string, { clients, filters }: Sync): void {
    this.forget(node);
    for (const clientId of clients) this.#owner.set(clientId, node);
    for (const filter of filters) this.route(node, filter);
  }

  forget(node: string): void {
    for (const [clientId, owner] of this.#owner) if (owner === node) this.#owner.delete(clientId);
    for (const filter of this.#filters.get(node) ?? []) this.#routes.delete(filter, node);
    this.#filters.delete(node);
  }

  forgetAll(): void {
    for (const node of new Set([...this.#owner.values(), ...this.#filters.keys()])) this.forget(node);
  }

  /** Other nodes with a subscriber to `topic`, each once. */
  nodesFor(topic: string): ReadonlySet<string> {
    const nodes = new Set<string>();
    this.#routes.match(topic, (node) => nodes.add(node));
    return nodes;
  }
}
