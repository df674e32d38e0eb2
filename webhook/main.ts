import { makeLogger } from '../lib/log.js';
import { readServiceAccount } from '../lib/service-account.js';
import { sleep } from '../lib/sleep.js';
import { makeAskApiServer } from '../lib/api-server.js';
import { makeApp, makeRoutes } from './app.js';
import { makeBlueGreens } from './blue-greens.js';
import { followCertificate, readFromDirectory, readFromSecret } from './certificate.js';
import { close, listen, makeHealthServer, makeTlsServer, showCertificate } from './server.js';
import { readSettings } from './settings.js';

const log = makeLogger('webhook');
const settings = readSettings(process.env);
const ask = makeAskApiServer(await readServiceAccount(process.env), 'sluice-webhook');
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
process.once('SIGINT', () => ending.abort());

let isListening = false;
let scaleTokens: readonly string[] = [];
const state = {
  isReady: () => isListening,
  isLeaving: () => ending.signal.aborted,
  scaleTokens: () => scaleTokens,
};
const app = makeApp({ ...state, ownUsers: settings.ownUsers, blueGreens: makeBlueGreens(ask), log });
const server = makeTlsServer(app);
const health = makeHealthServer(makeRoutes(state));
await listen(health, settings.healthPort);

const { certificate } = settings;
const read =
  certificate.kind === 'directory'
    ? readFromDirectory(certificate.path)
    : readFromSecret(ask, certificate.namespace, certificate.name);
const { promise: loaded, resolve: isLoaded } = Promise.withResolvers<void>();
const following = followCertificate(
  read,
  (found) => {
    showCertificate(server, found);
    scaleTokens = found.scaleTokens;
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
await Promise.all([close(server), close(health)]);
