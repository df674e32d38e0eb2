import { makeLogger } from '../lib/log.js';
import { openTracing } from '../lib/telemetry/tracing.js';
import { makeMetricsServer } from '../lib/metrics/serve.js';
import { readServiceAccount } from '../lib/service-account.js';
import { sleep } from '../lib/sleep.js';
import { makeAskApiServer } from '../lib/api-server.js';
import { makeApp, makeRoutes } from './app.js';
import { makeBlueGreens } from './blue-greens.js';
import { followCertificate, readFromDirectory, readFromSecret, type Certificate } from './certificate.js';
import { makeWebhookMetrics } from './metrics.js';
import { close, listen, makeHealthServer, makeTlsServer, showCertificate } from './server.js';
import { readSettings } from './settings.js';
import { makeReviewSpans } from './spans.js';

const log = makeLogger('webhook');
const settings = readSettings(process.env);
const ask = makeAskApiServer(await readServiceAccount(process.env), 'sluice-webhook');
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
process.once('SIGINT', () => ending.abort());

let isListening = false;
let certificate: Certificate | undefined;
const state = {
  isReady: () => isListening,
  isLeaving: () => ending.signal.aborted,
  scaleTokens: () => certificate?.scaleTokens ?? [],
};
const metrics = makeWebhookMetrics(() => ({
  isReady: state.isReady() && !state.isLeaving(),
  certificate: certificate?.cert,
}));
const tracing = await openTracing(process.env, {
  service: 'sluice-webhook',
  attributes: {
    'service.namespace': 'sluice',
    'service.instance.id': settings.identity,
    'k8s.pod.name': settings.identity,
  },
  log,
});
const spans = tracing && makeReviewSpans(tracing);
const app = makeApp({
  ...state,
  ownUsers: settings.ownUsers,
  blueGreens: makeBlueGreens(ask),
  metrics,
  ...(spans && { spans }),
  log,
});
const server = makeTlsServer(app);
const health = makeHealthServer(makeRoutes(state));
await listen(health, settings.healthPort);
const figures = makeMetricsServer(() => metrics.scrape());
if (settings.metricsPort > 0) await listen(figures, settings.metricsPort);

const { certificate: origin } = settings;
const read =
  origin.kind === 'directory'
    ? readFromDirectory(origin.path)
    : readFromSecret(ask, origin.namespace, origin.name);
const { promise: loaded, resolve: isLoaded } = Promise.withResolvers<void>();
const following = followCertificate(
  read,
  (found) => {
    showCertificate(server, found);
    certificate = found;
    isLoaded();
  },
  { log, signal: ending.signal },
);
await Promise.race([loaded, following]);
if (!ending.signal.aborted) {
  await listen(server, settings.port);
  isListening = true;
  log.info({ port: settings.port }, 'answering admission reviews');
}

await following;
log.info({ forMs: settings.leaveMs }, 'leaving: answering until every API server has noticed');
if (isListening) await sleep(settings.leaveMs);
await Promise.all([close(server), close(health), ...(figures.listening ? [close(figures)] : [])]);
await tracing?.close();
