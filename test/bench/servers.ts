import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { issue, makeCa } from '../../certs/issue.js';
import { bundle } from '../../scripts/bundle.js';
import { run } from '../cluster/run.js';
import { until } from '../cluster/wait.js';
import { askReview } from './ask.js';
import { SERVER_NAME, WEBHOOK_NODE_OPTIONS } from './names.js';
import { editReview } from './reviews.js';

/** The one core of each side: a webhook never has to share its own with whoever asks. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

const START_MS = 20_000;

export type Contender = 'sluice' | 'go';

/** A webhook that answers on loopback, with a core of its own. */
export interface WebhookServer {
  name: Contender;
  pid: number;
  port: number;
  url: string;
  stop: () => Promise<void>;
}

export interface Built {
  /** Folder with ca.crt, tls.crt and tls.key. */
  tlsDir: string;
  sluiceBundle: string;
  goWebhook: string;
  goLoad: string;
}

/** Builds both webhooks and the load generator, Sluice's as the image does, and makes a certificate for both. */
export async function buildAll(outDir: string): Promise<Built> {
  const [tlsDir, appDir, goDir] = ['tls', 'app', 'go'].map((name) => resolve(outDir, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [tlsDir, appDir, goDir]) mkdirSync(folder, { recursive: true });
  await bundle(appDir, ['webhook']);
  // Only the standard library is used, so nothing has to be fetched.
  await run(
    'go',
    ['build', '-C', 'test/bench', '-trimpath', '-o', `${goDir}/`, './go-webhook', './go-load'],
    {
      env: { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOTOOLCHAIN: 'local' },
      timeoutMs: 300_000,
    },
  );
  const life = { nowMs: Date.now(), days: 1 };
  const ca = await makeCa('sluice bench', life);
  const pair = await issue(ca, { kind: 'server', dnsNames: [SERVER_NAME] }, life);
  writeFileSync(join(tlsDir, 'ca.crt'), ca.cert);
  writeFileSync(join(tlsDir, 'tls.crt'), pair.cert);
  writeFileSync(join(tlsDir, 'tls.key'), pair.key, { mode: 0o600 });
  return {
    tlsDir,
    sluiceBundle: join(appDir, 'webhook.js'),
    goWebhook: join(goDir, 'go-webhook'),
    goLoad: join(goDir, 'go-load'),
  };
}

/** Starts a webhook and waits for its first answer. @throws WaitError when it gives none */
export async function startWebhook(name: Contender, built: Built, outDir: string): Promise<WebhookServer> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const log = openSync(join(outDir, `${name}.log`), 'w');
  const command =
    name === 'go'
      ? [built.goWebhook, `127.0.0.1:${port}`, built.tlsDir]
      : [process.execPath, built.sluiceBundle];
  // Only what the image and the chart give it, nothing of whoever runs the benchmark.
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    NODE_OPTIONS: WEBHOOK_NODE_OPTIONS,
    SLUICE_PORT: String(port),
    SLUICE_HEALTH_PORT: String(healthPort),
    SLUICE_TLS_DIR: built.tlsDir,
    SLUICE_OWN_USERS: 'system:serviceaccount:sluice-system:sluice-controller',
    SLUICE_LEAVE_SECONDS: '0',
  };
  const child = spawn('taskset', ['--cpu-list', String(SERVER_CORE), ...command], {
    env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const pid = child.pid ?? 0;
  const server = {
    name,
    pid,
    port,
    url: `https://127.0.0.1:${port}/mutate`,
    stop: () => stopped(child),
  };
  try {
    await until(`an answer of the ${name} webhook`, () => askReview(server, built.tlsDir, editReview()), {
      timeoutMs: START_MS,
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve: done } = Promise.withResolvers<void>();
  child.once('exit', () => done());
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await promise;
  clearTimeout(timer);
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
