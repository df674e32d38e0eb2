import { CONTROL_PORT } from '../lib/control.js';
import { makeMetricsServer } from '../lib/metrics/serve.js';
import { makeEmqxClient } from '../lib/emqx/find.js';
import { sleep } from '../lib/sleep.js';
import { openTracing, whyOff } from '../lib/telemetry/tracing.js';
import { readApiKey } from './api-key.js';
import { makeControlHandler } from './control.js';
import { makeDrainSpans } from './drain-spans.js';
import { readEnv } from './env.js';
import { noErrors } from './errors.js';
import { makeLog } from './log.js';
import type { makeSidecarMetrics } from './metrics.js';
import { evacuate, leave } from './nodes.js';
import { makeObserver } from './observer.js';
import { findPeers, servicePeers } from './peers.js';
import { makeControlServer } from './server.js';
import { openSettings } from './settings.js';
import { openShare } from './share.js';

/** Between two looks, before the node has joined and at rest. */
const JOINING_MS = 1_000;
const REST_MS = 5_000;
/** Between two looks at a drain that is traced, or for one. */
const DRAIN_MS = 1_000;

const log = makeLog('sidecar', process.env['SLUICE_LOG_LEVEL']);
const env = readEnv(process.env);
const stop = new AbortController();
const { signal } = stop;
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

const errors = noErrors();
const share = openShare(env.share);
const isTraced = whyOff(process.env) === undefined;
const settings = openSettings(share, env.apiPort, () => readApiKey(env.keyFolder), isTraced);
const emqx = makeEmqxClient({
  host: '127.0.0.1',
  port: env.apiPort,
  credentials: () => settings.key(),
});
const observer = makeObserver({
  pod: env.pod,
  share,
  emqx,
  settings,
  keySecret: env.keySecret,
  // peers have the same API as this node
  findPeers: (aborted) =>
    findPeers(servicePeers(env.headlessService, emqx.api()?.port ?? env.apiPort), aborted),
  nowMs: () => performance.now(),
  log,
  errors,
});
const handler = makeControlHandler(
  {
    report: () => observer.report(signal),
    changeSettings: (told) => settings.change(told),
    leave: (node) => leave(emqx, node, signal),
    evacuate: (node, told) => evacuate(emqx, node, told, signal),
    stopEvacuation: async (node) => void (await emqx.stopEvacuation(node, signal)),
  },
  log,
  () => (errors.control_refused += 1),
);

try {
  const server = makeControlServer(env.controlCa, env.pod, handler);
  server.on('error', (err) => log.error({ err }, 'control server'));
  server.listen(CONTROL_PORT, () => log.info('control server listens'));
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
} catch (err) {
  // The latch and the left-overs need no controller.
  log.error({ err }, 'no control server');
}

if (env.metricsPort > 0) {
  // Loaded by the first scrape: who is not scraped does not pay for it.
  let metrics: Promise<ReturnType<typeof makeSidecarMetrics>> | undefined;
  const load = async () => {
    const { makeSidecarMetrics } = await import('./metrics.js');
    return makeSidecarMetrics(() => ({ ...observer.seen(), errors, controlCa: env.controlCa }));
  };
  const server = makeMetricsServer(async () => (await (metrics ??= load())).scrape());
  server.on('error', (err) => log.error({ err }, 'metrics server'));
  server.listen(env.metricsPort);
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
}

const identity = { namespace: env.namespace, name: env.pod, uid: env.podUid };
const spans = isTraced ? makeSpans() : undefined;

function makeSpans() {
  return makeDrainSpans({
    pod: identity,
    share,
    settings,
    open: () =>
      openTracing(process.env, {
        service: 'sluice-sidecar',
        attributes: {
          'service.namespace': 'sluice',
          'service.instance.id': identity.uid,
          'k8s.namespace.name': identity.namespace,
          'k8s.pod.name': identity.name,
          'k8s.pod.uid': identity.uid,
        },
        log,
      }),
    counts: () => observer.seen().evacuation?.initial,
    log,
  });
}

async function watch(): Promise<void> {
  while (!signal.aborted) {
    const joined = await observer.look(signal);
    await sleep(joined ? REST_MS : JOINING_MS, signal);
  }
  log.info('stopped');
}

async function watchDrains(): Promise<void> {
  if (!spans) return;
  while (!signal.aborted) {
    // What EMQX goes through may last a second.
    if (spans.look()) await observer.look(signal);
    await sleep(DRAIN_MS, signal);
  }
  await spans.close();
  // A receiver that hangs would keep it for longer.
  process.exit(0);
}

void watch();
void watchDrains();
