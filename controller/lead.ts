import type { Logger } from '../lib/log.js';
import type { Transport } from './kube/transport.js';
import { watchMetadata } from './kube/watch.js';
import { makePass, type PassTools } from './pass.js';
import { makeSchedule } from './schedule.js';
import { makeWakeIndex, WATCHES } from './wake.js';

export interface LeadOptions extends Omit<PassTools, 'onServices'> {
  transport: Transport;
  log: Logger;
}

/** Each pass holds at most a few requests at once. */
const CONCURRENCY = 8;
const GAP_MS = 100;

/** What a leader does: watches wake the declarations that they concern, until the signal. */
export async function lead(options: LeadOptions, leading: AbortSignal): Promise<void> {
  const index = makeWakeIndex();
  const pass = makePass({ ...options, onServices: (key, services) => index.learn(key, services) }, leading);
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
  const watches = WATCHES.map(({ kind, path, labelSelector }) =>
    watchMetadata(
      options.transport,
      {
        path,
        labelSelector,
        onChange: (object, change) => {
          for (const key of index.concerned(kind, object, change)) schedule.wake(key);
        },
        onSynced: () => options.log.debug({ path, labelSelector }, 'listed'),
        onTrouble: (error) => options.log.warn({ err: error, path }, 'watch broke'),
      },
      leading,
    ),
  );
  await Promise.all(watches);
  await schedule.idle();
}
