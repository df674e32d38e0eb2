/** Whether a filter may be subscribed to: `+` and `#` alone in their level, `#` last. */
export function isFilter(filter: string): boolean {
  if (filter === '' || filter.includes('\0')) return false;
  const levels = filter.split('/');
  return levels.every((level, at) => {
    if (level === '#') return at === levels.length - 1;
    return level === '+' || !/[+#]/.test(level);
  });
}

/** Whether something may be published there. */
export function isTopic(topic: string): boolean {
  return topic !== '' && !/[+#\0]/.test(topic);
}

interface Level<T> {
  readonly below: Map<string, Level<T>>;
  readonly here: Set<T>;
}

/** Which `T`s hold a filter that a topic matches. Exact filters cost one look-up, the others one walk. */
export class TopicIndex<T> {
  readonly #exact = new Map<string, Set<T>>();
  readonly #root: Level<T> = newLevel();

  add(filter: string, holder: T): void {
    if (isExact(filter)) {
      const holders = this.#exact.get(filter);
      if (holders) holders.add(holder);
      else this.#exact.set(filter, new Set([holder]));
      return;
    }
    let level = this.#root;
    for (const name of filter.split('/')) {
      let next = level.below.get(name);
      if (!next) level.below.set(name, (next = newLevel()));
      level = next;
    }
    level.here.add(holder);
  }

  delete(filter: string, holder: T): void {
    if (isExact(filter)) {
      const holders = this.#exact.get(filter);
      if (holders?.delete(holder) && holders.size === 0) this.#exact.delete(filter);
      return;
    }
    this.#deleteBelow(this.#root, filter.split('/'), 0, holder);
  }

  /** Calls `found` once for each filter that matches and holder of it. */
  match(topic: string, found: (holder: T, filter: string) => void): void {
    const exact = this.#exact.get(topic);
    if (exact) for (const holder of exact) found(holder, topic);
    if (this.#root.below.size > 0) this.#walk(this.#root, topic.split('/'), 0, '', found);
  }

  #walk(
    level: Level<T>,
    names: readonly string[],
    at: number,
    path: string,
    found: (holder: T, filter: string) => void,
  ) {
    const mayWild = at > 0 || !names[0]?.startsWith('$');
    const many = level.below.get('#');
    if (many && mayWild) for (const holder of many.here) found(holder, `${path}#`);
    const name = names[at];
    if (name === undefined) {
      for (const holder of level.here) found(holder, path.slice(0, -1));
      return;
    }
    const same = level.below.get(name);
    if (same) this.#walk(same, names, at + 1, `${path}${name}/`, found);
    const one = level.below.get('+');
    if (one && mayWild) this.#walk(one, names, at + 1, `${path}+/`, found);
  }

  #deleteBelow(level: Level<T>, names: readonly string[], at: number, holder: T): void {
    const name = names[at];
    if (name === undefined) {
      level.here.delete(holder);
      return;
    }
    const next = level.below.get(name);
    if (!next) return;
    this.#deleteBelow(next, names, at + 1, holder);
    if (next.here.size === 0 && next.below.size === 0) level.below.delete(name);
  }
}

/** Whether one topic matches one filter. */
export function matches(filter: string, topic: string): boolean {
  const index = new TopicIndex<true>();
  index.add(filter, true);
  let hit = false;
  index.match(topic, () => (hit = true));
  return hit;
}

function isExact(filter: string): boolean {
  return !filter.includes('+') && !filter.includes('#');
}

function newLevel<T>(): Level<T> {
  return { below: new Map(), here: new Set() };
}
