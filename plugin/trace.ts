import { refused } from './failure.js';
import { span, type Line } from './paint.js';
import type { View } from './view.js';

/** Where the trace of one upgrade is found. */
export interface Trace {
  from: string;
  to: string;
  /** 32 hex digits. */
  id: string;
  /** W3C trace context of the admission review; empty where none was there. */
  traceparent: string;
  link?: string;
  /** Whether it is where traces are sent to. */
  state: 'received' | 'toBeReceived' | 'underWay' | 'notSent';
}

/**
 * The trace of the upgrade in progress, else of the latest one. Pure.
 * @param link address of a trace in a tracing tool, with `{id}` in place of the trace's
 * @throws Failure when there was no upgrade yet, or the link has no place for an id
 */
export function traceOf({ name, status }: View, link: string | undefined): Trace {
  const upgrade = status.upgrade ?? status.history?.[0];
  if (!upgrade) throw refused(`${name} has had no upgrade yet, so there is no trace of one`);
  if (link !== undefined && !link.includes('{id}')) {
    throw refused(`--link ${link} has no {id}, in whose place the trace's id goes`);
  }
  const { from, to, id, traceparent } = upgrade;
  const state = stateOf(upgrade, status.upgrade !== undefined);
  return {
    from,
    to,
    id,
    traceparent,
    state,
    ...(link !== undefined && { link: link.replaceAll('{id}', id) }),
  };
}

function stateOf({ traced }: { traced?: boolean }, isUnderWay: boolean): Trace['state'] {
  if (traced === undefined) return 'notSent';
  if (isUnderWay) return 'underWay';
  return traced ? 'received' : 'toBeReceived';
}

const WORDS: Record<Trace['state'], string> = {
  received: 'received',
  toBeReceived: 'not received yet; it is sent again and again',
  underWay: 'sent step by step, and whole when the upgrade has ended',
  notSent: 'not sent: otel.endpoint of the chart is empty, or was then, or the trace is not sampled',
};

/** A link alone where there is one, so that it can be opened by a script; else the ids. Pure. */
export function traceLines({ from, to, id, traceparent, link, state }: Trace): Line[] {
  if (link !== undefined) return [[span(link)]];
  return [
    [span('Upgrade      ', 'faint'), span(`${from} → ${to}`)],
    [span('Trace id     ', 'faint'), span(id, 'strong')],
    [span('Trace        ', 'faint'), span(WORDS[state])],
    ...(traceparent === '' ? [] : [[span('traceparent  ', 'faint'), span(traceparent)]]),
  ];
}
