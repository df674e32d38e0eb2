import { expect } from '@jest/globals';
import type { BlueGreenStatus } from '../../../lib/types.js';
import type { ReceivedSpan } from '../../otlp/decode.js';
import type { ClusterReceiver } from '../support/receiver.js';

export type Ended = BlueGreenStatus['history'][number];

/** What was received of one upgrade. */
export interface Trace {
  /** In the order of their arrival, repeats included. */
  all: ReceivedSpan[];
  /** Each span once. */
  spans: ReceivedSpan[];
  /** Those of a name, in the order in which they began. */
  named(name: string): ReceivedSpan[];
  root: ReceivedSpan;
  /** The phases of the upgrade, in their order. */
  phases: ReceivedSpan[];
}

/** Name of the root. */
export const UPGRADE = 'emqx blue-green upgrade';

/** The trace of an upgrade that has ended; the way back from an aborted one has its root in that one's. @throws Error when it has no root */
export async function traceOf(
  receiver: ClusterReceiver,
  { id, spanId }: Pick<Ended, 'id' | 'spanId'>,
): Promise<Trace> {
  const all = (await receiver.spans()).filter(({ traceId }) => traceId === id);
  const spans = [...new Map(all.map((span) => [span.spanId, span])).values()];
  const named = (name: string): ReceivedSpan[] =>
    spans.filter((span) => span.name === name).sort((one, other) => one.startMs - other.startMs);
  const root = named(UPGRADE).find((span) => span.spanId === spanId);
  if (!root) throw new Error(`no ${UPGRADE} among ${spans.map(({ name }) => name).join(', ')}`);
  const phases = spans
    .filter(
      ({ parentSpanId, name, attributes }) =>
        parentSpanId === root.spanId &&
        ![UPGRADE, 'admission review'].includes(name) &&
        // A drain that an upgrade has taken over from the one before lies in none of its phases.
        attributes['k8s.pod.name'] === undefined,
    )
    .sort((one, other) => one.startMs - other.startMs || one.endMs - other.endMs);
  return { all, spans, named, root, phases };
}

/** Each phase begins as the one before ends, and together they last as long as the whole. */
export function expectGapless({ root, phases }: Trace): void {
  const edges = [root.startMs, ...phases.map(({ endMs }) => endMs)];
  expect(phases.map(({ startMs }) => startMs)).toEqual(edges.slice(0, -1));
  expect(root.endMs).toBe(edges.at(-1));
}
