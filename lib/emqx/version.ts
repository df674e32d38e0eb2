/** Whether EMQX version `version` (such as `5.8.9` or `6.0.0-rc.1`, whose suffix is left aside) is at least `[major, minor, patch]`. Unknown ones are not. */
export function isAtLeast(version: string | undefined, floor: readonly [number, number, number]): boolean {
  const parts = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version ?? '');
  if (!parts) return false;
  const numbers = parts.slice(1).map((part) => Number(part ?? 0));
  const differs = floor.findIndex((part, at) => part !== numbers[at]);
  return differs === -1 || (numbers[differs] ?? 0) > (floor[differs] ?? 0);
}
