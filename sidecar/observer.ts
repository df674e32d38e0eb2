import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiState, ForeignProcess, GateState, SidecarReport } from '../lib/control.js';
import type { EmqxClient } from '../lib/emqx/client.js';
import { EmqxApiError } from '../lib/emqx/errors.js';
import type { RebalanceStatus } from '../lib/emqx/parse.js';
import type { EvacuationState } from '../lib/types.js';
import { decideEvacuation, hasNobodyToJoin, stayAlone, type Alone, type Peers } from './decide.js';
import { parseGate } from './gate-state.js';
import type { Errors } from './errors.js';
import type { Log } from './log.js';
import type { Settings } from './settings.js';
import type { Share } from './share.js';
import { noteState, statesIn } from './states.js';

export interface ObserverParts {
  pod: string;
  share: Share;
  emqx: EmqxClient;
  settings: Settings;
  /** Name of the Secret with the API key. */
  keySecret: string;
  findPeers: (signal: AbortSignal) => Promise<Peers>;
  /** Milliseconds of a clock that does not jump. */
  nowMs: () => number;
  /** Milliseconds since the epoch; the system's clock when absent. */
  wallMs?: () => number;
  log: Log;
  /** Counts what fails. */
  errors: Errors;
  /** How long a report waits for EMQX, in milliseconds; the controller waits 3 s for it. */
  reportMs?: number;
}

export interface Observer {
  /** Looks once: stops a left-over evacuation, sets the latch. Never throws. @returns whether the node has joined */
  look(signal: AbortSignal): Promise<boolean>;
  /**
   * What is seen: what lies in the share now, and EMQX's part at most 1 s old. While EMQX takes longer than the
   * controller waits, the last whole one, at most 10 s old; after that what has been read, and that EMQX hangs.
   */
  report(signal: AbortSignal): Promise<SidecarReport>;
  /** What was last seen, without asking EMQX. */
  seen(): Seen;
}

/** What metrics are made from. */
export interface Seen {
  /** Absent before EMQX was asked. */
  api?: ApiState['kind'] | undefined;
  joined: boolean;
  gate: GateState;
  /** Of the own node; absent while none runs. */
  evacuation?: { state: EvacuationState; clients: number; sessions: number; initial: Counts } | undefined;
}

/** Of clients and sessions. */
export interface Counts {
  clients: number;
  sessions: number;
}

const ERRORS = {
  unreachable: 'emqx_unreachable',
  unauthorized: 'emqx_unauthorized',
  noKey: 'emqx_no_key',
} as const satisfies Record<Exclude<ApiState['kind'], 'ok'>, keyof Errors>;

const FRESH_MS = 1_000;
/** Less than the controller waits: an EMQX that hangs is told of, and not taken for a sidecar that hangs. */
const REPORT_MS = 2_000;
/** A node that is busy holds up its neighbours' answers about all nodes for up to 15 s. */
const STALE_MS = 10_000;

/** A report read, or being read, of one start of EMQX. */
interface Reading {
  boot: string;
  /** Filled in as EMQX answers. */
  report: SidecarReport;
  done: Promise<void>;
}

/** Watches this pod's own EMQX node. */
export function makeObserver(parts: ObserverParts): Observer {
  const { pod, share, emqx, settings, nowMs, log } = parts;
  let alone: Alone | undefined;
  let lastApi: ApiState['kind'] | undefined;
  let lastGate: GateState['kind'] = 'idle';
  let hasEvacuation: boolean | undefined;
  let evacuation: Seen['evacuation'];
  let pending: Reading | undefined;
  let last: { reading: Reading; atMs: number } | undefined;

  const isJoined = () => {
    const boot = share.line('boot');
    return boot !== '' && share.line('joined') === boot;
  };

  const gate = (): GateState => {
    const { boot, state } = parseGate(share.read('gate'));
    return boot === share.line('boot') ? state : { kind: 'idle' };
  };

  /** The node's own status; undefined on builds that cannot evacuate. */
  async function ownStatus(signal: AbortSignal): Promise<RebalanceStatus | undefined> {
    try {
      const status = await emqx.status(signal);
      hasEvacuation = true;
      evacuation = leftOf(status);
      noteState(share, status, (parts.wallMs ?? Date.now)());
      return status;
    } catch (error) {
      if (!(error instanceof EmqxApiError) || !error.isFeatureAbsent) throw error;
      hasEvacuation = false;
      return undefined;
    }
  }

  /** Settles whose the node's evacuation is. @returns whether this start of EMQX may serve */
  async function settleEvacuation(self: string, signal: AbortSignal): Promise<boolean> {
    const boot = share.line('boot');
    const status = await ownStatus(signal);
    const step = decideEvacuation({
      boot,
      handled: share.line('handled'),
      gateBoot: parseGate(share.read('gate')).boot,
      isForeign: share.line('foreign') !== '',
      status,
    });
    switch (step.kind) {
      case 'none':
        break;
      case 'stopLeftOver':
        await emqx.stopEvacuation(self, signal);
        log.info({ node: self }, 'left-over evacuation stopped');
        return false;
      case 'markHandled':
        share.write('handled', `${boot}\n`);
        break;
      case 'markForeign':
        share.write('foreign', `${boot}\n`);
        log.warn({ node: self }, 'somebody else evacuates this node');
        break;
      case 'clearForeign':
        share.remove('foreign');
        break;
    }
    return boot !== '' && share.line('handled') === boot && share.line('boot') === boot;
  }

  async function lookOnce(signal: AbortSignal): Promise<void> {
    const boot = share.line('boot');
    // carried on only by a look that gets there: EMQX answers, and has not started again
    const before = alone;
    alone = undefined;
    const { self, nodes } = await emqx.cluster(signal);
    const maySettle = await settleEvacuation(self, signal);
    if (!maySettle || isJoined()) return;
    if (!nodes.some((node) => node !== self)) {
      alone = stayAlone(before, await parts.findPeers(signal), nowMs());
      if (!hasNobodyToJoin(alone, nowMs())) return;
      alone = undefined;
    }
    // It names the start that was looked at: if EMQX has started again meanwhile, it counts for nothing.
    share.write('joined', `${boot}\n`);
    log.info({ node: self, nodes: nodes.length }, 'joined');
  }

  /** Does `work`; afterwards says how the API answered. A refused key is read again, for the next time. */
  async function asking(work: () => Promise<void>): Promise<ApiState> {
    let state: ApiState = { kind: 'ok' };
    if (settings.missing() !== undefined) settings.refreshKey();
    const missing = settings.missing();
    try {
      if (missing === undefined) await work();
      else state = { kind: 'noKey', detail: `key "${missing}" of Secret ${parts.keySecret} has no value` };
    } catch (error) {
      evacuation = undefined;
      if (!(error instanceof EmqxApiError)) throw error;
      state = { kind: error.isUnauthorized ? 'unauthorized' : 'unreachable', detail: error.message };
      if (error.isUnauthorized && settings.refreshKey()) log.info('API key read again');
    }
    if (state.kind !== 'ok') parts.errors[ERRORS[state.kind]] += 1;
    if (state.kind !== lastApi) {
      lastApi = state.kind;
      const detail = state.kind === 'ok' ? undefined : state.detail;
      log.info({ state: state.kind, detail }, 'EMQX API');
    }
    return state;
  }

  function noteGate(): void {
    const state = gate();
    if (state.kind === lastGate) return;
    lastGate = state.kind;
    const detail = 'detail' in state ? state.detail : undefined;
    if (state.kind === 'gaveUp')
      log.warn({ detail, sessionsLost: state.sessionsLost }, 'drain gave up: sessions lost');
    else log.info({ state: state.kind, detail }, 'drain');
  }

  async function lookAndSettle(signal: AbortSignal): Promise<boolean> {
    noteGate();
    try {
      await asking(() => lookOnce(signal));
    } catch (cause) {
      if (signal.aborted) return isJoined();
      parts.errors.look += 1;
      log.error({ err: cause }, 'look failed');
    }
    return isJoined();
  }

  function emptyReport(): SidecarReport {
    return {
      pod,
      api: { kind: 'ok' },
      clusterNodes: [],
      nodes: [],
      evacuations: [],
      joined: false,
      gate: { kind: 'idle' },
      settings: settings.current(),
    };
  }

  /** Fills `report` with what EMQX says. */
  async function read(report: SidecarReport, signal: AbortSignal): Promise<void> {
    noteGate();
    report.api = await asking(async () => {
      const { self, nodes } = await emqx.cluster(signal);
      report.self = self;
      report.clusterNodes = nodes;
      report.nodes = await emqx.nodes(signal);
      const status = await ownStatus(signal);
      report.foreign = ownForeign(self, status);
      if (status) {
        const all = await emqx.globalStatus(signal);
        report.evacuations = all.evacuations;
        report.foreign.push(...all.foreign.filter(({ node }) => node !== self));
      }
      if (nodes.every((node) => node === self) && (await emqx.allowsCluster(signal)) === false)
        report.singleNodeLicence = true;
    });
  }

  /** What somebody else runs on this node itself. */
  function ownForeign(node: string, status: RebalanceStatus | undefined): ForeignProcess[] {
    if (status?.kind === 'other') return [{ ...status.foreign, node }];
    if (status?.kind !== 'evacuating' || share.line('foreign') === '') return [];
    return [{ process: 'evacuation', node, state: status.evacuation.state }];
  }

  /** Starts a reading; a second one beside it would only hold EMQX up more. */
  function startReading(signal: AbortSignal): Reading {
    const report = emptyReport();
    const reading: Reading = { boot: share.line('boot'), report, done: read(report, signal) };
    pending = reading;
    reading.done.then(
      () => {
        pending = undefined;
        last = { reading, atMs: nowMs() };
      },
      () => (pending = undefined),
    );
    return reading;
  }

  /** EMQX's part of a report. */
  async function readPart(signal: AbortSignal): Promise<SidecarReport> {
    if (!pending && last && nowMs() - last.atMs < FRESH_MS) return last.reading.report;
    const reading = pending ?? startReading(signal);
    const waitMs = parts.reportMs ?? REPORT_MS;
    if (await isWithin(reading.done, waitMs)) return reading.report;
    const isUsable = last && nowMs() - last.atMs < STALE_MS && last.reading.boot === share.line('boot');
    if (last && isUsable) return last.reading.report;
    const detail = `EMQX's API takes longer than ${waitMs} ms to answer`;
    return { ...reading.report, api: { kind: 'unreachable', detail } };
  }

  return {
    look: lookAndSettle,
    seen: () => ({ api: lastApi, joined: isJoined(), gate: gate(), evacuation }),
    async report(signal) {
      const report = await readPart(signal);
      const api = emqx.api();
      // what lies in the share costs nothing, and the controller waits for it: told settings, the end of a drain
      return {
        ...report,
        ...(hasEvacuation === undefined ? {} : { hasEvacuation }),
        ...(api === undefined ? {} : { emqxApi: api.version }),
        joined: isJoined(),
        gate: gate(),
        settings: settings.current(),
        states: statesIn(share),
      };
    },
  };
}

/** What an evacuation has still to do. */
function leftOf(status: RebalanceStatus): Seen['evacuation'] {
  if (status.kind !== 'evacuating') return undefined;
  const { state, stats } = status.evacuation;
  const initial = { clients: stats.initial_connected, sessions: stats.initial_sessions };
  return { state, clients: stats.current_connected, sessions: stats.current_sessions, initial };
}

/** Whether `work` is done within that many milliseconds; it goes on if not. @throws what `work` throws */
async function isWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), sleep(ms, false, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
