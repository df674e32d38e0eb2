import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issue, makeCa } from '../../certs/issue.js';
import { bundle } from '../../scripts/bundle.js';
import { until } from '../cluster/wait.js';
import { OWN_USER, plainSet } from './reviews.js';

const NAME = 'sluice-webhook.sluice-system.svc';
let directory: string;
let ca: string;
let webhook: ChildProcess;
let ports: { reviews: number; health: number; metrics: number };
const lines: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Status and text of a GET; no status while nothing listens. */
async function get(port: number, path: string): Promise<{ status?: number | undefined; text: string }> {
  return new Promise((resolve) => {
    const call = http.get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (piece: Buffer) => (text += piece.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    call.on('error', () => resolve({ text: '' }));
  });
}

const health = async (path: string): Promise<number | undefined> => (await get(ports.health, path)).status;

function review(agent: https.Agent): Promise<{ allowed: boolean; connection: string | undefined }> {
  const body = JSON.stringify({
    request: {
      uid: 'u',
      operation: 'CREATE',
      resource: { group: 'apps', resource: 'statefulsets' },
      object: plainSet(),
    },
  });
  return new Promise((resolve, reject) => {
    const to = {
      host: '127.0.0.1',
      port: ports.reviews,
      path: '/mutate',
      method: 'POST',
      ca,
      servername: NAME,
      agent,
    };
    const call = https.request(to, (answer) => {
      let text = '';
      answer.on('data', (piece: Buffer) => (text += piece.toString()));
      answer.on('end', () => {
        const { response } = JSON.parse(text) as { response: { allowed: boolean } };
        resolve({ allowed: response.allowed, connection: answer.headers.connection });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

beforeAll(async () => {
  directory = await mkdtemp(`${tmpdir()}/sluice-`);
  await bundle(`${directory}/app`, ['webhook']);
  ports = { reviews: await freePort(), health: await freePort(), metrics: await freePort() };
  webhook = spawn(process.execPath, [`${directory}/app/webhook.js`], {
    env: {
      SLUICE_PORT: String(ports.reviews),
      SLUICE_HEALTH_PORT: String(ports.health),
      SLUICE_METRICS_PORT: String(ports.metrics),
      SLUICE_TLS_DIR: directory,
      SLUICE_OWN_USERS: OWN_USER,
      SLUICE_LEAVE_SECONDS: '2',
    },
  });
  webhook.stdout?.on('data', (piece: Buffer) => lines.push(piece.toString()));
  webhook.stderr?.on('data', (piece: Buffer) => lines.push(piece.toString()));
  await until('health', async () => ((await health('/healthz')) === 200 ? true : undefined), {
    timeoutMs: 20_000,
  });
}, 30_000);

afterAll(async () => {
  webhook.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

describe('the program', () => {
  it('is alive, but not ready before it has a certificate', async () => {
    expect(await health('/readyz')).toBe(503);
  });

  it('is ready once it has one, and answers', async () => {
    const life = { nowMs: Date.now(), days: 1 };
    const authority = await makeCa('test', life);
    ca = authority.cert;
    const pair = await issue(authority, { kind: 'server', dnsNames: [NAME] }, life);
    await writeFile(`${directory}/tls.key`, pair.key);
    await writeFile(`${directory}/tls.crt`, pair.cert);
    await until('readiness', async () => ((await health('/readyz')) === 200 ? true : undefined), {
      timeoutMs: 10_000,
    });
    const agent = new https.Agent({ keepAlive: true });
    expect(await review(agent)).toEqual({ allowed: true, connection: 'keep-alive' });
    agent.destroy();
  });

  it('has its metrics on a port of their own', async () => {
    const { status, text } = await get(ports.metrics, '/metrics');
    expect(status).toBe(200);
    expect(text).toContain('sluice_admission_reviews_total{resource="StatefulSet",answer="allow"} 1\n');
    expect(text).toContain('sluice_webhook_ready 1\n');
    expect(text).toMatch(
      /^sluice_certificate_expiry_timestamp_seconds\{certificate="webhook-serving"\} 1\d{9}$/m,
    );
    expect(await health('/metrics')).toBe(404);
    expect((await get(ports.metrics, '/readyz')).status).toBe(404);
  });

  it('goes on answering after SIGTERM, sends clients elsewhere, and ends by itself', async () => {
    const agent = new https.Agent({ keepAlive: true });
    await review(agent);
    const exit = once(webhook, 'exit');
    webhook.kill('SIGTERM');
    await until('goodbye', () => Promise.resolve(lines.join('').includes('leaving') || undefined), {
      timeoutMs: 5_000,
    });
    expect(await review(agent)).toEqual({ allowed: true, connection: 'close' });
    expect(await review(agent)).toEqual({ allowed: true, connection: 'close' });
    expect(await exit).toEqual([0, null]);
    agent.destroy();
  }, 15_000);
});

it('says everything that its environment lacks', async () => {
  const child = spawn(process.execPath, [`${directory}/app/webhook.js`], { env: { SLUICE_PORT: 'x' } });
  let words = '';
  child.stderr.on('data', (piece: Buffer) => (words += piece.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(1);
  for (const name of ['SLUICE_PORT', 'SLUICE_NAMESPACE', 'SLUICE_WEBHOOK_TLS_SECRET', 'SLUICE_OWN_USERS']) {
    expect(words).toContain(name);
  }
});
