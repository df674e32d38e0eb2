/**
 * Address `last` of a loopback network that belongs to this process alone: another run of the same tests, or a node that
 * one left behind, must neither answer in its place nor hold its ports.
 */
export function ownAddress(last: number): string {
  const net = process.pid % 2 ** 15;
  return `127.${128 + (net >> 8)}.${net & 255}.${last}`;
}
