import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const testKey = { key: 'key', secret: 'secret' };

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if it is JSON, else the text. */
  readonly body: unknown;
}

/** A stand-in process on a loopback address of its own. */
export interface TestNode {
  readonly name: string;
  readonly host: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** Everything that it has logged. */
  log(): string;
  /** One request below `/api/v5` (`/api/v4` of a node of EMQX 4) with the test's key; resolves with any status. */
  api(method: string, path: string, body?: unknown): Promise<Reply>;
  /** The stand-in's own page beside EMQX. */
  stats(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<unknown>;
  /** Sends the signal and waits for the end of the process. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface NodeOptions {
  readonly program: string;
  /** 127.x.y.z, one a node. */
  readonly host: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kept from an earlier node; else a fresh one. */
  readonly dataDir?: string;
}

/** Starts a node; it answers only after its boot: see `until`. */
export function startNode({
  program,
  host,
  env = {},
  dataDir = mkdtempSync(join(tmpdir(), 'standin-')),
}: NodeOptions): TestNode {
  const bootstrap = join(dataDir, 'bootstrap');
  const isV4 = env.STANDIN_VERSION?.startsWith('4.') === true;
  writeFileSync(bootstrap, `${testKey.key}:${testKey.secret}\n${isV4 ? '' : 'viewer:secret:viewer\n'}`);
  const base = isV4 ? `http://${host}:8081/api/v4` : `http://${host}:18083/api/v5`;
  const child = spawn(process.execPath, [program], {
    env: {
      EMQX_NODE_NAME: `emqx@${host}`,
      EMQX_NODE__DATA_DIR: dataDir,
      EMQX_API_KEY__BOOTSTRAP_FILE: `"${bootstrap}"`,
      EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE: bootstrap,
      STANDIN_BOOT_MS: '0',
      STANDIN_JOIN_MS: '50',
      STANDIN_STOP_MS: '0',
      STANDIN_DISCOVERY_DELAY_MS: '0',
      STANDIN_DISCOVERY_RETRY_MS: '200',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    name: env.EMQX_NODE_NAME ?? `emqx@${host}`,
    host,
    dataDir,
    process: child,
    log: () => text,
    api: (method, path, body) =>
      request(path === '/status' ? new URL(path, base).href : `${base}${path}`, method, body),
    stats: async (method, path, body) => (await request(`http://${host}:18099${path}`, method, body)).body,
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Kills what is left and removes its data. */
export async function dispose(nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.end('SIGKILL')));
  for (const node of nodes) rmSync(node.dataDir, { recursive: true, force: true });
}

/** Looks until `seen` gives something, and fails after `timeoutMs` with what was waited for. */
export async function until<T>(
  what: string,
  seen: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 20_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await seen();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what} (${String(last)})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until every node's own view lists all of them. */
export async function untilJoined(nodes: readonly TestNode[], timeoutMs = 30_000): Promise<void> {
  for (const node of nodes) {
    await until(
      `${node.name} sees ${nodes.length} nodes`,
      async () => {
        const { isUp, running } = (await node.stats('GET', '/')) as {
          readonly isUp: boolean;
          readonly running: readonly string[];
        };
        return isUp && running.length === nodes.length;
      },
      timeoutMs,
    );
  }
}

async function request(url: string, method: string, body: unknown): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${testKey.key}:${testKey.secret}`).toString('base64')}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // not JSON
  }
  return { status: response.status, headers: response.headers, body: parsed };
}
