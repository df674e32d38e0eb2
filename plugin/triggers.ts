import { textAt, timeAt } from '../lib/fields.js';
import { ANNOTATION } from '../lib/names.js';
import { EXIT, Failure, refused } from './failure.js';
import type { Kube } from './kube.js';
import { PATH, readView } from './read.js';
import type { View } from './view.js';

export type Trigger = 'promote' | 'abort' | 'retry';

/** What became of a trigger; undefined while the controller has not answered. */
export type Fate = { kind: 'done'; message: string } | { kind: 'ignored' } | undefined;

/**
 * The value that a trigger's annotation must have: the revision meant. Pure.
 * @throws Failure when it is plain that nothing of the kind can be done now; what is not plain, the controller decides
 */
export function meantBy(trigger: Trigger, { name, status, spec, declaration }: View): string {
  const { wanted = '', active, upgrade } = status;
  const underWay = upgrade !== undefined || active !== wanted;
  switch (trigger) {
    case 'promote':
      if (active === wanted && declaration?.aborted !== undefined) {
        throw refused(
          `nothing to promote: revision ${declaration.aborted} was aborted; kubectl sluice retry ${name} tries it again`,
        );
      }
      if (active === wanted) throw refused(`nothing to promote: ${wanted} is active already`);
      if (spec.promotion.auto) {
        throw refused(
          `${wanted} is switched to as soon as it is ready: spec.promotion.auto of bluegreen/${name} is true`,
        );
      }
      return wanted;
    case 'abort':
      if (declaration?.aborted !== undefined) {
        throw refused(
          `revision ${declaration.aborted} is aborted already; kubectl sluice retry ${name} tries it again`,
        );
      }
      if (!underWay)
        throw refused(`no upgrade of ${name} is in progress; to go back: kubectl sluice undo ${name}`);
      return wanted;
    case 'retry':
      if (declaration?.aborted === undefined && declaration?.isDrainHeld !== true) {
        throw refused(`nothing of ${name} was aborted or held, so there is nothing to try again`);
      }
      return declaration?.aborted ?? wanted;
  }
}

/** What the objects say of a trigger that was set to `value`. Pure. */
export function fateOf(trigger: Trigger, value: string, before: View, now: View): Fate {
  const { name, status, declaration, notes } = now;
  const isThere = notes[ANNOTATION[trigger]] === value;
  switch (trigger) {
    case 'promote':
      if (status.active === value) return { kind: 'done', message: `${name} switched to ${value}` };
      if (isThere && before.status.phase === 'Progressing') {
        return { kind: 'done', message: `${name} will switch to ${value} as soon as it is ready` };
      }
      break;
    case 'abort':
      if (declaration?.aborted !== undefined) {
        return {
          kind: 'done',
          message: `upgrade of ${name} to ${value} aborted; see kubectl sluice status ${name}`,
        };
      }
      break;
    case 'retry':
      if (before.declaration?.aborted !== undefined) {
        if (declaration?.aborted === undefined)
          return { kind: 'done', message: `${name} tries ${value} again` };
      } else if (before.declaration?.isDrainHeld === true && declaration?.isDrainHeld !== true) {
        return { kind: 'done', message: `${name} drains on` };
      }
      break;
  }
  return isThere ? undefined : { kind: 'ignored' };
}

const ANSWER_MS = 10_000;
const POLL_MS = 400;

/**
 * Sets a trigger's annotation, and waits until the controller has acted on it.
 * @throws Failure with the controller's own words when it ignored it, or when it did not answer in time
 */
export async function pull(
  kube: Kube,
  { trigger, before, pause }: { trigger: Trigger; before: View; pause: (ms: number) => Promise<void> },
): Promise<string> {
  const { name, namespace } = before;
  const value = meantBy(trigger, before);
  const key = ANNOTATION[trigger];
  const setAtMs = Date.now();
  await kube.patch(PATH.blueGreens(namespace, name), { metadata: { annotations: { [key]: value } } });
  if (before.spec.paused)
    return `bluegreen/${name} is paused: ${trigger} ${value} comes after kubectl sluice resume ${name}`;
  let isTaken = false;
  while (Date.now() - setAtMs < ANSWER_MS) {
    await pause(POLL_MS);
    const fate = fateOf(trigger, value, before, await readView(kube, { name, namespace }));
    if (fate?.kind === 'done') return fate.message;
    // The annotation may be gone a moment before the other object says why.
    const refusal =
      fate?.kind === 'ignored' ? await refusalOf(kube, { before, key, value, setAtMs }) : undefined;
    if (refusal !== undefined) throw refused(refusal);
    isTaken = fate?.kind === 'ignored';
  }
  if (isTaken)
    throw refused(
      `annotation ${key}=${value} was taken away, and nothing is seen of it; kubectl describe bluegreen ${name} lists the events`,
    );
  throw new Failure(
    `the controller has not acted on annotation ${key}=${value} of bluegreen/${name} within ${ANSWER_MS / 1000} s: is it running? The annotation stays`,
    EXIT.notYet,
  );
}

/** The event's time has no fraction, and another machine's clock. */
const CLOCK_SKEW_MS = 60_000;

/** The controller's own words for having ignored a trigger; undefined when it has said nothing of the kind. */
async function refusalOf(
  kube: Kube,
  { before, key, value, setAtMs }: { before: View; key: string; value: string; setAtMs: number },
): Promise<string | undefined> {
  const events = await kube.list(PATH.events(before.namespace));
  const event = events.find(
    (one) =>
      textAt(one, 'involvedObject', 'name') === before.name &&
      textAt(one, 'message').startsWith(`annotation ${key} names ${value} and is ignored`) &&
      timeAt(one, 'lastTimestamp') >= setAtMs - CLOCK_SKEW_MS,
  );
  return event && textAt(event, 'message');
}
