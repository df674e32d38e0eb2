import { parseTraceparent, spanIdOf, type TraceContext } from '../lib/telemetry/traceparent.js';
import type { Tracing } from '../lib/telemetry/tracing.js';
import type { SpanData } from '../lib/telemetry/types.js';
import type { Answer } from './answer.js';
import type { Fresh } from './declaration.js';
import type { AdmissionRequest } from './review.js';

/** A review that was answered. */
export interface Reviewed {
  request: AdmissionRequest;
  answer: Answer;
  fresh: Fresh;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
}

/** Sends the span of each review that began an upgrade. It never waits, and never fails. */
export interface ReviewSpans {
  note(reviewed: Reviewed): void;
}

/** Reviews that wait for the ones before; more are left out: they are a help, and the upgrade's own trace does without. */
const MOST_WAITING = 256;

export function makeReviewSpans(tracing: Pick<Tracing, 'send'>): ReviewSpans {
  let waiting: SpanData[] = [];
  let isUnderWay = false;

  function flush(): void {
    if (isUnderWay || waiting.length === 0) return;
    const spans = waiting;
    waiting = [];
    isUnderWay = true;
    tracing
      .send(spans)
      .catch(() => undefined) // said by whoever sends
      .finally(() => {
        isUnderWay = false;
        flush();
      });
  }

  return {
    note(reviewed) {
      const span = reviewSpan(reviewed);
      if (!span || waiting.length >= MOST_WAITING) return;
      waiting.push(span);
      flush();
    },
  };
}

/** The span of a review, a child of what it begins; undefined where it begins nothing: its fresh ids are in no object then. */
export function reviewSpan({ request, answer, fresh, startMs, endMs }: Reviewed): SpanData | undefined {
  const begun = answer.kind === 'admit' ? begunIn(answer.ops, fresh) : undefined;
  if (answer.kind !== 'admit' || !begun) return undefined;
  return {
    ...{ traceId: begun.traceId, spanId: spanIdOf(begun.spanId, request.uid), parentSpanId: begun.spanId },
    ...{ name: 'admission review', kind: 'server', scope: 'sluice.dev/webhook' },
    ...{ startMs, endMs },
    attributes: {
      'k8s.namespace.name': request.namespace,
      'k8s.statefulset.name': request.name,
      'user.name': request.user,
      'sluice.admission.operation': request.operation,
      'sluice.admission.uid': request.uid,
      'sluice.admission.warnings': answer.warnings.length,
    },
    events: [],
  };
}

/** The trace context that was stamped: in the trace that the API server named, or the user. */
function begunIn(ops: object[], { traceparent }: Fresh): TraceContext | undefined {
  const spanId = parseTraceparent(traceparent)?.spanId ?? '';
  const [stamped] = new RegExp(`00-[0-9a-f]{32}-${spanId}-01`).exec(JSON.stringify(ops)) ?? [];
  return parseTraceparent(stamped);
}
