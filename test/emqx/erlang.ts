/** A term as Erlang writes it with `~p`. JSON's strings are binaries there, its objects lists of pairs. */
export function term(value: unknown): string {
  if (typeof value === 'string') return `<<"${value}">>`;
  if (Array.isArray(value)) return `[${value.map(term).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => pair(key, item));
    return pairs.length === 0 ? '[{}]' : `[${pairs.join(',')}]`;
  }
  return String(value);
}

/** One entry of an object. */
export function pair(key: string, value: unknown): string {
  return `{${term(key)},${term(value)}}`;
}

/** Quoted unless it is a plain word: names of nodes have dots. */
export function atom(name: string): string {
  return /^[a-z][a-zA-Z0-9_@]*$/.test(name) ? name : `'${name}'`;
}

export function atoms(names: readonly string[]): string {
  return `[${names.map(atom).join(',')}]`;
}
