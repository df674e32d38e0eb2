import { sameJson, type Json } from '../lib/json.js';
import { apply } from './apply/apply.js';
import { tidy } from './apply/tidy.js';
import { isConflict } from './kube/errors.js';
import type { Step } from './model.js';
import { observeObjects } from './observe/observe.js';
import { keyOf } from './key.js';
import type { PassTools } from './pass.js';
import type { Next } from './schedule.js';
import { publishEvents, type Told } from './status/publish.js';

/** As in any pass: what it was planned from has changed. */
const CONFLICT_MS = 50;

/**
 * Makes the function that puts back what an edit of the declaration or of a Service took away, beside the pass in progress: that one may
 * wait for seconds for a sidecar, and a Service without its pin selects both colours meanwhile. Each write carries the resourceVersion that
 * it was planned from, so that of the two one is refused and looks again. It never rejects; what fails is left to the pass, which tells people.
 */
export function makeUrgent(tools: PassTools, signal: AbortSignal): (key: string) => Promise<Next> {
  const told: Told = new Set();

  return async function urgent(key) {
    let last: Step | undefined;
    try {
      for (;;) {
        const view = await observeObjects(tools, keyOf(key), signal);
        // A set that is to be taken over is none of ours before: without it another one would seem to be active.
        if (view && (await tidy({ view, tools, signal }))) continue;
        const decision = view && tools.planUrgent(view.observed);
        // The same once more has no effect that we can see.
        if (!decision || (last && sameJson(asJson(last), asJson(decision.step)))) return 'forget';
        const { step, message } = decision;
        await apply(step, { view, tools, signal });
        tools.log.info({ ...placeOf(key), action: step.kind, message }, 'urgent action');
        await publishEvents(tools.kube, { view, decision, trouble: undefined, told }, signal);
        last = step;
      }
    } catch (error) {
      if (signal.aborted) return 'forget';
      if (isConflict(error)) return { afterMs: CONFLICT_MS };
      tools.log.debug({ ...placeOf(key), err: error }, 'urgent action failed');
      return 'forget';
    }
  };
}

function placeOf(key: string): { namespace: string; declaration: string } {
  const { namespace, name } = keyOf(key);
  return { namespace, declaration: name };
}

function asJson(step: Step): Json {
  return JSON.parse(JSON.stringify(step)) as Json;
}
