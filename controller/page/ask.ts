import { numberAt, textAt, timeAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { BLUEGREEN } from '../../lib/names.js';
import type { EventPicture } from '../../lib/page/messages.js';
import type { Kube } from '../kube/client.js';
import { PATH } from '../kube/paths.js';

/** What is asked of the API server only while somebody looks. */
export interface Asked {
  /** Events about a BlueGreen, the latest first; undefined: they could not be read. */
  events(namespace: string, name: string): Promise<EventPicture[] | undefined>;
  /** Who leads, by the Lease; empty: nobody; undefined: it could not be read. */
  leader(): Promise<string | undefined>;
}

/** Several who look cost no more than one. */
const FRESH_MS = 5_000;
/** Events that are shown; the API server keeps them for an hour. */
const MOST_EVENTS = 50;
/** BlueGreens whose events are remembered for {@link FRESH_MS}. */
const MOST_ANSWERS = 100;
/** A leader renews every two seconds, and another takes over after 15: whoever is older by far has gone. Clocks differ. */
const LATE_MS = 60_000;

export function makeAsked(
  {
    kube,
    lease,
    now,
  }: { kube: Pick<Kube, 'get' | 'list'>; lease: { namespace: string; name: string }; now: () => number },
  signal: AbortSignal,
): Asked {
  const answers = new Map<string, { untilMs: number; answer: Promise<unknown> }>();

  /** The same answer for a while, and no second question while one is under way; undefined where it fails. */
  function fresh<T>(key: string, ask: () => Promise<T>): Promise<T | undefined> {
    const known = answers.get(key);
    if (known && known.untilMs > now()) return known.answer as Promise<T | undefined>;
    const answer = ask().catch(() => undefined);
    answers.delete(key);
    answers.set(key, { untilMs: now() + FRESH_MS, answer });
    for (const oldest of [...answers.keys()].slice(0, Math.max(0, answers.size - MOST_ANSWERS)))
      answers.delete(oldest);
    return answer;
  }

  return {
    events: (namespace, name) =>
      fresh(`events ${namespace}/${name}`, async () => {
        const fieldSelector = `involvedObject.kind=${BLUEGREEN.kind},involvedObject.name=${name}`;
        return eventsOf(await kube.list(PATH.events(namespace), { fieldSelector }, signal));
      }),
    leader: () =>
      fresh('leader', async () =>
        leaderIn(await kube.get(PATH.leases(lease.namespace, lease.name), signal), now()),
      ),
  };
}

/** The latest events, the newest first. Pure. */
export function eventsOf(raw: readonly JsonObject[]): EventPicture[] {
  return raw
    .map((event): EventPicture => {
      const last = timeAt(event, 'lastTimestamp');
      return {
        atMs: Number.isNaN(last) ? timeAt(event, 'metadata', 'creationTimestamp') : last,
        type: textAt(event, 'type') === 'Warning' ? 'Warning' : 'Normal',
        reason: textAt(event, 'reason'),
        message: textAt(event, 'message'),
      };
    })
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, MOST_EVENTS);
}

/** Whoever holds a Lease; nobody, if it was not renewed for long. Pure. */
export function leaderIn(lease: JsonObject, nowMs: number): string {
  const renewedMs = timeAt(lease, 'spec', 'renewTime');
  const lasts = numberAt(lease, ['spec', 'leaseDurationSeconds']) * 1000;
  return nowMs - renewedMs > lasts + LATE_MS ? '' : textAt(lease, 'spec', 'holderIdentity');
}
