import { factsOf } from '../../certs/pair.js';
import type { Sample } from '../../lib/metrics/definition.js';
import { sampleProcess } from '../../lib/metrics/process.js';
import { makeMetrics } from '../../lib/metrics/registry.js';
import type { Scraped } from '../../lib/metrics/serve.js';
import { NODE_STEPS, UPGRADE_PHASES, type BlueGreenStatus } from '../../lib/types.js';
import { unreachable } from '../../lib/unreachable.js';
import { keyOf } from '../key.js';
import { causeOf, PARTS, type Part } from './causes.js';
import { CONTROLLER_METRICS, type MetricName } from './catalogue.js';
import { changesBetween, changesTold, DRAIN_OUTCOMES, type Change } from './changes.js';
import { makeHold } from './hold.js';
import { following, type Picture } from './picture.js';
import { samplesOf } from './samples.js';

/** What the loop tells of itself; `key` is `namespace/name` of a declaration, as everywhere. */
export interface Gauge {
  /**
   * A pass has looked at a BlueGreen, which has the status of `seen` now.
   * @param stored the status that it had before
   */
  saw(key: string, seen: Picture, stored: Partial<BlueGreenStatus>): void;
  /** There is no such declaration any more, or this replica does not lead. */
  forget(key: string): void;
  passed(result: PassResult, seconds: number): void;
  failed(part: Part, error: unknown): void;
}

export type PassResult = 'done' | 'conflict' | 'failed';

const RESULTS = ['done', 'conflict', 'failed'] as const satisfies readonly PassResult[];
const UPGRADE_RESULTS = ['succeeded', 'aborted', 'superseded', 'rolledBack'] as const;

/** State that is read at each scrape. */
export interface ControllerState {
  isLeading: boolean;
  /** PEM by name, those that are known. */
  certificates: Readonly<Record<string, string>>;
}

export interface ControllerMetrics extends Gauge {
  /** This replica does not lead any more: another one tells of every BlueGreen. */
  forgetAll(): void;
  scrape(): Promise<Scraped>;
}

/** @param nowMs milliseconds on a clock that only goes forward */
export function makeControllerMetrics(
  state: () => ControllerState,
  nowMs: () => number = () => performance.now(),
): ControllerMetrics {
  const pictures = new Map<string, Picture>();
  const hold = makeHold(nowMs);
  const metrics = makeMetrics(CONTROLLER_METRICS, (): Sample<MetricName>[] => {
    const { isLeading, certificates } = state();
    return [
      ...sampleProcess(),
      { metric: 'leading', labels: {}, value: isLeading ? 1 : 0 },
      ...Object.entries(certificates).map(([certificate, pem]) => ({
        metric: 'certificate' as const,
        labels: { certificate },
        value: factsOf(pem).notAfterMs / 1000,
      })),
      ...[...pictures].flatMap(([key, picture]) => samplesOf(keyOf(key), picture)),
    ];
  });
  for (const result of RESULTS) metrics.begin('passes', { result });
  for (const part of PARTS) metrics.begin('errors', { part, cause: 'internal' });
  for (const result of UPGRADE_RESULTS) metrics.begin('upgradeDuration', { result });
  for (const step of [...UPGRADE_PHASES, ...NODE_STEPS]) metrics.begin('stepDuration', { step });

  function tell(key: string, change: Change): void {
    const labels = labelsOf(key);
    switch (change.kind) {
      case 'evicted':
        metrics.count('evictedClients', labels, change.clients);
        metrics.count('evictedSessions', labels, change.sessions);
        return;
      case 'drainEnded':
        // A failure is not held, for a leader may end within a minute: its alert knows a series that begins above 0.
        if (change.outcome === 'drained')
          hold.count(key, () => metrics.count('drainsEnded', { ...labels, outcome: change.outcome }));
        else metrics.count('drainsEnded', { ...labels, outcome: change.outcome });
        return;
      case 'upgradeEnded':
        hold.count(key, () => metrics.count('upgrades', { ...labels, result: change.result }));
        metrics.measure('upgradeDuration', { result: change.result }, change.seconds);
        return;
      case 'stepEnded':
        metrics.measure('stepDuration', { step: change.step }, change.seconds);
        return;
      default:
        unreachable(change);
    }
  }

  function forget(key: string): void {
    if (!pictures.delete(key)) return;
    hold.forget(key);
    for (const [metric, labels] of countersOf(labelsOf(key))) metrics.forget(metric, labels);
  }

  return {
    saw(key, seen, stored) {
      const before = pictures.get(key);
      const picture = before ? following(before, seen) : seen;
      pictures.set(key, picture);
      if (!before) {
        hold.begin(key);
        for (const [metric, own] of countersOf(labelsOf(key))) metrics.begin(metric, own);
      }
      const changes = before ? changesBetween(before, picture) : [];
      for (const change of [...changesTold(stored, seen.status), ...changes]) tell(key, change);
    },
    forget,
    forgetAll: () => [...pictures.keys()].forEach(forget),
    passed(result, seconds) {
      metrics.count('passes', { result });
      metrics.measure('passDuration', {}, seconds);
    },
    failed: (part, error) => metrics.count('errors', { part, cause: causeOf(error) }),
    scrape: () => {
      hold.scraped();
      return metrics.scrape();
    },
  };
}

type Labels = Record<string, string>;

function labelsOf(key: string): Labels {
  const { namespace, name } = keyOf(key);
  return { namespace, bluegreen: name };
}

/** Every counter that a BlueGreen has. */
function countersOf(labels: Labels): [MetricName, Labels][] {
  return [
    ['evictedClients', labels],
    ['evictedSessions', labels],
    ...DRAIN_OUTCOMES.map((outcome): [MetricName, Labels] => ['drainsEnded', { ...labels, outcome }]),
    ...UPGRADE_RESULTS.map((result): [MetricName, Labels] => ['upgrades', { ...labels, result }]),
  ];
}
