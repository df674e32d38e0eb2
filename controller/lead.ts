import type { Logger } from '../lib/log.js';
import { LABEL } from '../lib/names.js';
import { followServer } from './clock.js';
import { makeKube } from './kube/client.js';
import type { Transport } from './kube/transport.js';
import { watchMetadata, type Metadata } from './kube/watch.js';
import { makeLeftovers } from './leftovers.js';
import { makePass, type PassTools } from './pass.js';
import { makeSchedule } from './schedule.js';
import { makeUrgent } from './urgent.js';
import { makeWakeIndex, WATCHES, type Watched } from './wake.js';

export interface LeadOptions extends Omit<PassTools, 'onServices' | 'now' | 'kube'> {
  transport: Transport;
  log: Logger;
}

/** Each pass holds at most a few requests at once. */
const CONCURRENCY = 8;
const GAP_MS = 100;

/** What a leader does: watches wake the declarations that they concern, until the signal. */
export async function lead(options: LeadOptions, leading: AbortSignal): Promise<void> {
  const index = makeWakeIndex();
  // Each watch begins with an answer, and no pass before.
  const { send, now } = followServer(options.transport);
  const tools = {
    ...options,
    kube: makeKube(send),
    now,
    onServices: (key: string, services: string[]) => index.learn(key, services),
  };
  const pass = makePass(tools, leading);
  const schedule = makeSchedule(
    {
      concurrency: CONCURRENCY,
      gapMs: GAP_MS,
      pass: async (key) => {
        const next = await pass(key);
        if (next === 'forget') index.forget(key);
        return next;
      },
    },
    leading,
  );
  const urgent = makeSchedule(
    { concurrency: CONCURRENCY, gapMs: GAP_MS, pass: makeUrgent(tools, leading) },
    leading,
  );
  const leftovers = makeSchedule(
    { concurrency: CONCURRENCY, gapMs: GAP_MS, pass: makeLeftovers(tools, leading) },
    leading,
  );
  const watches = WATCHES.map(({ kind, path, labelSelector }) =>
    watchMetadata(
      send,
      {
        path,
        labelSelector,
        onChange: (object, change) => {
          for (const key of index.concerned(kind, object, change)) {
            schedule.wake(key);
            if (isUsers(kind, object)) urgent.wake(key);
          }
          const vacated = index.vacated(kind, object, change);
          if (vacated !== undefined) leftovers.wake(vacated);
        },
        onSynced: () => options.log.debug({ path, labelSelector }, 'listed'),
        onTrouble: (error) => {
          options.log.warn({ err: error, path }, 'watch broke');
          options.gauge.failed('watch', error);
        },
      },
      leading,
    ),
  );
  await Promise.all(watches);
  await Promise.all([schedule.idle(), urgent.idle(), leftovers.idle()]);
}

/** Objects of the user's own that hold something of ours: their edits may take it away. */
function isUsers(kind: Watched, { labels }: Metadata): boolean {
  return kind === 'services' || (kind === 'statefulSets' && labels[LABEL.declaration] === undefined);
}
