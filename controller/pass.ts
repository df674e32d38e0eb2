import { textAt } from '../lib/fields.js';
import { canonical, type Json } from '../lib/json.js';
import type { Logger } from '../lib/log.js';
import type { BlueGreenStatus } from '../lib/types.js';
import { apply } from './apply/apply.js';
import { tidy } from './apply/tidy.js';
import type { ApplyTools, Outcome } from './apply/tools.js';
import { farewell } from './farewell.js';
import { keyOf } from './key.js';
import { isConflict } from './kube/errors.js';
import type { Gauge, PassResult } from './metrics/metrics.js';
import { pictureOf } from './metrics/picture.js';
import type { Decision, Observed } from './model.js';
import { hasNoPods, wakeNamespace } from './namespace.js';
import { observe, type ObserveTools } from './observe/observe.js';
import { makeSilence, type Silence } from './observe/silence.js';
import type { Next } from './schedule.js';
import { publishEvents, publishStatus, type Told } from './status/publish.js';
import type { Trouble } from './status/status.js';
import { beginsUpgrade, lastRecords, upgradeRecords, type After } from './status/upgrade.js';
import type { Courier } from './trace/courier.js';
import type { Subject } from './trace/spans.js';

export interface PassTools extends Omit<ObserveTools, 'silence'>, ApplyTools {
  plan: (observed: Observed) => Decision;
  planUrgent: (observed: Observed) => Decision | undefined;
  log: Logger;
  sidecars: ObserveTools['sidecars'] & ApplyTools['sidecars'];
  gauge: Gauge;
  /** Absent where traces are not sent. */
  courier?: Courier;
  /** A pass has seen these Services of the declaration. */
  onServices: (key: string, services: string[]) => void;
}

/** Passes of one declaration in a row, for pacing and for telling people; the plan knows nothing of it. */
interface Run {
  failures: number;
  lastStep: string;
  repeats: number;
  /** The records as last stored, for a trace that outlasts them. */
  last?: { subject: Subject; records: Pick<BlueGreenStatus, 'upgrade' | 'history'>; uid: string };
  /** Since when there is no such declaration, on the process's clock. */
  goneSinceMs?: number;
}

/** A pass that finds nothing to do is repeated so often, whatever the watches say. */
const REST_MS = 30_000;
/** After a refusal a person has to act, which wakes us; this is for what no watch tells. */
const REFUSED_MS = 15_000;
const CONFLICT_MS = 50;
/** A receiver that is away is waited for so long with what no object remembers. */
const LAST_MS = 300_000;
const BACKOFF_MS = { first: 500, most: 30_000 };
/** The same step so often in a row has no effect that we can see: slow down, and go on. */
const REPEATS = 3;
const REPEAT_MS = 1_000;
/** A failure is told to people from the second in a row on: the first may be a lost connection. */
const TELL_AFTER = 2;

/** Makes the function that does one pass of one declaration: observe, plan, apply, tell. It never rejects. */
export function makePass(tools: PassTools, signal: AbortSignal): (key: string) => Promise<Next> {
  const runs = new Map<string, Run>();
  const told: Told = new Set();
  const silence = makeSilence(tools.log, (error) => tools.gauge.failed('sidecars', error));

  return async function pass(key) {
    const run = runs.get(key) ?? { failures: 0, lastStep: '', repeats: 0 };
    runs.set(key, run);
    const { namespace, name } = keyOf(key);
    const log = tools.log.child({ namespace, declaration: name });
    const lap = stopwatch();
    const over = (result: PassResult): void => tools.gauge.passed(result, lap() / 1000);
    try {
      const next = await once(tools, { key, run, told, silence, log }, signal);
      if (next === 'forget') runs.delete(key);
      run.failures = 0;
      over('done');
      return next;
    } catch (error) {
      if (signal.aborted) return 'forget';
      tools.gauge.failed('pass', error);
      over(isConflict(error) ? 'conflict' : 'failed');
      if (isConflict(error)) return { afterMs: CONFLICT_MS };
      run.failures += 1;
      log.warn({ err: error, failures: run.failures }, 'pass failed');
      const mostMs = Math.min(BACKOFF_MS.first * 2 ** (run.failures - 1), BACKOFF_MS.most);
      return { afterMs: mostMs * (0.5 + Math.random() / 2) };
    }
  };
}

interface PassContext {
  key: string;
  run: Run;
  told: Told;
  silence: Silence;
  log: Logger;
}

async function once(tools: PassTools, context: PassContext, signal: AbortSignal): Promise<Next> {
  const { run, told, silence, log } = context;
  const lap = stopwatch();
  const seen = await observe({ ...tools, silence }, keyOf(context.key), signal);
  if (!seen) {
    tools.gauge.forget(context.key);
    // Closed once: whatever is told or sent twice must be the same twice.
    if (run.last) run.last.records = lastRecords(run.last.records, tools.now());
    const againMs = sendLast(tools, context);
    const hasTrace = tools.courier && hasTraceFor(tools.courier, context.key);
    const next = await farewell(
      tools,
      { key: keyOf(context.key), told, silence, last: run.last, hasTrace },
      signal,
    );
    if (againMs !== Infinity)
      return { afterMs: next === 'forget' ? againMs : Math.min(againMs, next.afterMs) };
    if (next === 'forget') tools.courier?.forget(context.key);
    return next;
  }
  delete run.goneSinceMs;
  const observeMs = lap();
  let view = seen;
  tools.onServices(
    context.key,
    [...view.observed.services, view.observed.preview].flatMap((one) =>
      one && 'name' in one ? [one.name] : [],
    ),
  );
  if (await tidy({ view, tools, signal })) return { afterMs: 0 };

  // Kubernetes deletes the pods of a namespace before everything else in it, and does not see at once that they have ended.
  if (hasNoPods(view.observed.sets)) await wakeNamespace(tools, keyOf(context.key), signal);

  const decision = tools.plan(view.observed);
  logStep(log, decision, run);
  const { told: ofTraces, againMs, last } = sendTraces(tools.courier, context.key, view.observed, decision);
  const untold = tools.controlTrouble();
  const standing: Trouble | undefined =
    untold === undefined ? undefined : { kind: 'refused', message: untold };
  const tellStatus = async (more: { trouble: Trouble | undefined; isDone?: boolean }) => {
    const published = await publishStatus(tools.kube, { view, decision, ...more, ...ofTraces }, signal);
    // What the next pass will find otherwise did not happen for anybody.
    if (published.isStored) {
      const uid = textAt(view.raw.blueGreen, 'metadata', 'uid');
      run.last = { subject: view.observed.declaration, records: last ?? published.status, uid };
      const picture = pictureOf(view.observed, decision, published.status);
      tools.gauge.saw(context.key, picture, view.observed.blueGreen.status ?? {});
    }
    view = published.view;
    return published.status;
  };
  const publish = async (came?: Trouble): Promise<BlueGreenStatus> => {
    const trouble = standing ?? came;
    const status = await tellStatus({ trouble });
    await publishEvents(tools.kube, { view, decision, trouble, told }, signal);
    return status;
  };
  // Its record is there before the first step: whoever dies in mid-upgrade leaves one that is known.
  if (beginsUpgrade(view.observed, decision)) {
    await tellStatus({ trouble: standing, isDone: false });
  }
  let outcome: Outcome;
  try {
    outcome = await apply(decision.step, { view, tools, signal });
  } catch (error) {
    if (!signal.aborted && !isConflict(error) && run.failures + 1 >= TELL_AFTER) {
      await publish({ kind: 'failing', message: `${decision.message}: ${messageOf(error)}` });
    }
    throw error;
  }
  const applyMs = lap();
  const { upgrade } = await publish(outcome.kind === 'refused' ? outcome : undefined);
  log.debug({ action: decision.step.kind, observeMs, applyMs, publishMs: lap() }, 'pass');
  const afterMs = delayAfter(decision, outcome, run);
  if (decision.step.kind !== 'rest') return { afterMs };
  // What has just been closed is sent at the next look, as it was stored.
  const isClosed = seen.observed.blueGreen.status?.upgrade !== undefined && upgrade === undefined;
  return { afterMs: Math.min(afterMs, isClosed && tools.courier ? 0 : againMs) };
}

function hasTraceFor(courier: Courier, key: string): NonNullable<After['hasTrace']> {
  return (record) => courier.hasBrought(key, record);
}

/**
 * Whatever of the stored records has not been received yet is sent meanwhile.
 * @returns what the next record is to say of that, and when another look is worth it
 */
function sendTraces(
  courier: Courier | undefined,
  key: string,
  observed: Observed,
  decision: Decision,
): { told: Pick<After, 'hasTrace'>; againMs: number; last?: ReturnType<typeof upgradeRecords> } {
  if (!courier) return { told: {}, againMs: Infinity };
  const hasTrace = hasTraceFor(courier, key);
  const stored = observed.blueGreen.status ?? {};
  // A hand-back ends with the record itself: nobody will read it again.
  const isLast = decision.step.kind === 'dropBlueGreen';
  const last = isLast ? upgradeRecords(observed, { ...decision, settled: true }, { hasTrace }) : undefined;
  const againMs = courier.look(key, observed.declaration, last ?? stored);
  return { told: { hasTrace }, againMs, ...(last && { last }) };
}

/**
 * What is left to send when the declaration has gone, or is handed back, and the records with it.
 * @returns after how many milliseconds another look is worth it; Infinity: no more
 */
function sendLast({ courier }: PassTools, { key, run }: PassContext): number {
  run.goneSinceMs ??= performance.now();
  if (!courier || !run.last || performance.now() - run.goneSinceMs > LAST_MS) return Infinity;
  return courier.look(key, run.last.subject, run.last.records);
}

function delayAfter({ step }: Decision, outcome: Outcome, run: Run): number {
  if (outcome.kind === 'refused') return REFUSED_MS;
  if (step.kind === 'wait') return step.forMs;
  if (step.kind === 'rest') return REST_MS * (0.9 + Math.random() / 5);
  return run.repeats >= REPEATS ? REPEAT_MS : 0;
}

/** Logs each step once, and counts how often the same comes in a row. */
function logStep(log: Logger, { step, phase, message }: Decision, run: Run): void {
  const text =
    step.kind === 'wait' ? `${phase} ${message}` : canonical(JSON.parse(JSON.stringify(step)) as Json);
  run.repeats = text === run.lastStep ? run.repeats + 1 : 0;
  if (run.repeats === 0 && step.kind !== 'rest') log.info({ action: step.kind, phase, message }, 'action');
  run.lastStep = text;
}

/** Milliseconds since it was last asked. */
function stopwatch(): () => number {
  let sinceMs = performance.now();
  return () => {
    const nowMs = performance.now();
    const lapMs = Math.round(nowMs - sinceMs);
    sinceMs = nowMs;
    return lapMs;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
