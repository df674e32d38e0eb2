/** What `evacuation/start` asks for; waits in seconds, rates in clients or sessions a tick. */
export interface Options {
  /** Undefined: a release without that state. */
  readonly waitHealthCheck: number | undefined;
  readonly connEvictRate: number;
  readonly sessEvictRate: number;
  readonly waitTakeover: number;
  /** Undefined: every running node but this one. */
  readonly migrateTo: readonly string[] | undefined;
  /** What MQTT 5 clients are told with their DISCONNECT. */
  readonly serverReference: string | undefined;
}

/** What EMQX takes where the request names nothing. @see EMQX: emqx_node_rebalance.hrl */
export const defaultOptions: Options = {
  waitHealthCheck: 60,
  connEvictRate: 500,
  sessEvictRate: 500,
  waitTakeover: 60,
  migrateTo: undefined,
  serverReference: undefined,
};

/** Clients connected now, and sessions including theirs. */
export interface Counts {
  readonly connected: number;
  readonly sessions: number;
}

interface Running {
  readonly options: Options;
  readonly initial: Counts;
  /** As EMQX reports them, which is late: counted before a tick, and sessions not before their turn. */
  readonly current: Counts;
}

export type Evacuation =
  | { readonly state: 'disabled' }
  | (Running & {
      readonly state:
        'waiting_health_check' | 'evicting_conns' | 'waiting_takeover' | 'evicting_sessions' | 'prohibiting';
    });

/** What happens to the evacuation. A `due` event carries the counts and recipients of its own moment. */
export type Happening =
  | { readonly kind: 'start' | 'resume'; readonly options: Options; readonly counts: Counts }
  | { readonly kind: 'due'; readonly counts: Counts; readonly hasRecipients: boolean }
  | { readonly kind: 'stop' };

export type Act = { readonly kind: 'none' } | { readonly kind: 'evict' | 'move'; readonly atMost: number };

/** The next state, what to do now, and when (milliseconds after that is done) the next `due` is. */
export interface Outcome {
  readonly next: Evacuation;
  readonly act: Act;
  readonly dueInMs: number | undefined;
}

export interface Pace {
  /** Pause between two ticks. */
  readonly tickMs: number;
  readonly noRecipientMs: number;
}

/** @see EMQX: emqx_node_rebalance_evacuation.erl */
export const emqxPace: Pace = { tickMs: 1_000, noRecipientMs: 30_000 };

const rest: Act = { kind: 'none' };

/** Moves an evacuation on. Pure. @see EMQX: emqx_node_rebalance_evacuation.erl */
export function evolve(now: Evacuation, happening: Happening, pace: Pace = emqxPace): Outcome {
  switch (happening.kind) {
    case 'start': {
      const { waitHealthCheck } = happening.options;
      if (waitHealthCheck === undefined) return evolve(now, { ...happening, kind: 'resume' }, pace);
      return {
        next: { ...begun(happening.options, happening.counts), state: 'waiting_health_check' },
        act: rest,
        dueInMs: waitHealthCheck * 1_000,
      };
    }
    case 'resume':
      return {
        next: { ...begun(happening.options, happening.counts), state: 'evicting_conns' },
        act: rest,
        dueInMs: 0,
      };
    case 'stop':
      return { next: { state: 'disabled' }, act: rest, dueInMs: undefined };
    case 'due':
      return now.state === 'disabled'
        ? { next: now, act: rest, dueInMs: undefined }
        : tick(now, happening, pace);
    default:
      return unreachable(happening);
  }
}

type Due = Extract<Happening, { kind: 'due' }>;

function tick(now: Exclude<Evacuation, { state: 'disabled' }>, due: Due, pace: Pace): Outcome {
  switch (now.state) {
    case 'waiting_health_check':
      return tick({ ...now, state: 'evicting_conns' }, due, pace);
    case 'evicting_conns':
      if (due.counts.connected > 0) {
        return {
          next: { ...now, current: { ...now.current, connected: due.counts.connected } },
          act: { kind: 'evict', atMost: now.options.connEvictRate },
          dueInMs: pace.tickMs,
        };
      }
      return {
        next: { ...now, state: 'waiting_takeover', current: { ...now.current, connected: 0 } },
        act: rest,
        dueInMs: now.options.waitTakeover * 1_000,
      };
    case 'waiting_takeover':
      return tick({ ...now, state: 'evicting_sessions' }, due, pace);
    case 'evicting_sessions': {
      const seen = { ...now, current: { ...now.current, sessions: due.counts.sessions } };
      if (due.counts.sessions === 0)
        return { next: { ...seen, state: 'prohibiting' }, act: rest, dueInMs: undefined };
      if (!due.hasRecipients) return { next: seen, act: rest, dueInMs: pace.noRecipientMs };
      return { next: seen, act: { kind: 'move', atMost: now.options.sessEvictRate }, dueInMs: pace.tickMs };
    }
    case 'prohibiting':
      return { next: now, act: rest, dueInMs: undefined };
    default:
      return unreachable(now.state);
  }
}

/** Whether new MQTT connections are turned away in this state. */
export function isRefusing({ state }: Evacuation): boolean {
  return state !== 'disabled' && state !== 'waiting_health_check';
}

function begun(options: Options, counts: Counts): Running {
  return { options, initial: counts, current: counts };
}

function unreachable(value: never): never {
  throw new Error(`not possible: ${String(value)}`);
}
