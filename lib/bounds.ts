/** Limits that the BlueGreen's schema, the webhook, the controller and the sidecar have in common. */

/** A field of DrainSettings (lib/control.ts) that is a number. */
export type DrainNumber =
  | 'connEvictRate'
  | 'sessEvictRate'
  | 'waitTakeover'
  | 'waitHealthCheck'
  | 'noRecipientSeconds'
  | 'staySeconds';

/**
 * Smallest and greatest of what a drain is told: rates at which EMQX would still be asked sensible things, waits of at most one day. The
 * schema allows no more of the fields that they come from.
 */
export const DRAIN_BOUNDS: Readonly<Record<DrainNumber, readonly [number, number]>> = {
  connEvictRate: [1, 1_000_000],
  sessEvictRate: [1, 1_000_000],
  waitTakeover: [0, 86_400],
  waitHealthCheck: [0, 86_400],
  noRecipientSeconds: [1, 86_400],
  staySeconds: [0, 86_400],
};

/** Most nodes of one set, and so most that sessions may be sent to; far above what EMQX is known to run with. */
export const MOST_NODES = 1_000;

/** What of a number a drain can be told. */
export function drainNumber(name: DrainNumber, value: number): number {
  const [least, most] = DRAIN_BOUNDS[name];
  return Math.min(Math.max(value, least), most);
}
