/** The `default` of a switch over a closed union: a new kind does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new Error(`not a known case: ${JSON.stringify(value)}`);
}
