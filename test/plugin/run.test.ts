import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labelOf } from '../../lib/fields.js';
import type { Json, JsonObject } from '../../lib/json.js';
import { run } from '../../plugin/run.js';
import { BLUE, GREEN, NEW, rawObjects, set, upgrade, type ViewCase } from './cases.js';

// The first test loads what reads kubeconfigs, which is slow on a busy machine.
jest.setTimeout(30_000);

/** What stands for the API server: three lists, and the patches that it was sent. */
let lists: Record<string, { items: JsonObject[] } | undefined>;
let patched: { path: string; type: string | undefined; body: Json }[];
/** What it answers a patch with. */
let refusal: { status: number; message: string } | undefined;
let server: Server;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubectl-sluice-'));
  server = createServer((request, response) => {
    void (async () => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      const answer = (status: number, body: Json): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      if (request.method === 'PATCH') {
        const body = JSON.parse(await textOf(request)) as Json;
        patched.push({ path, type: request.headers['content-type'], body });
        response.setHeader('warning', '299 - "sluice: it was redirected"');
        if (refusal) answer(refusal.status, { kind: 'Status', message: refusal.message });
        else answer(200, {});
        return;
      }
      const list = lists[path.replace(/.*\//, '')];
      const selector = new URL(request.url ?? '', 'http://here').searchParams.get('labelSelector') ?? '';
      if (list) answer(200, { items: list.items.filter((item) => isSelected(item, selector)) });
      else answer(404, { kind: 'Status', message: 'the server could not find the requested resource' });
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  writeKubeconfig('config', `http://127.0.0.1:${port}`);
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  patched = [];
  refusal = undefined;
  have({});
});

/** Of label selectors, those that ask whether a key is there or not. */
function isSelected(item: JsonObject, selector: string): boolean {
  const keys = selector.split(',').filter(Boolean);
  return keys.every((key) =>
    key.startsWith('!') ? labelOf(item, key.slice(1)) === undefined : labelOf(item, key) !== undefined,
  );
}

function writeKubeconfig(name: string, url: string): void {
  writeFileSync(
    join(folder, name),
    JSON.stringify({
      clusters: [{ name: 'a', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: 'mqtt' } }],
      'current-context': 'a',
    }),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function have(given: ViewCase): void {
  const { blueGreen, statefulSets, pods } = rawObjects(given);
  lists = {
    bluegreens: { items: [blueGreen] },
    statefulsets: { items: statefulSets },
    pods: { items: pods },
    events: { items: [] },
  };
}

async function sluice(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  return { code: await sluiceFor({ said, pause: () => Promise.resolve() }, ...words), ...said };
}

async function sluiceFor(
  { said, pause }: { said: { stdout: string; stderr: string }; pause: () => Promise<void> },
  ...words: string[]
): Promise<number> {
  const config = words.includes('--kubeconfig') ? [] : ['--kubeconfig', join(folder, 'config')];
  return run([...words, ...config], {
    screen: {
      write: (text) => (said.stdout += text),
      isTerminal: false,
      isColoured: false,
      columns: () => Infinity,
      rows: () => Infinity,
    },
    writeError: (text) => (said.stderr += text),
    pause,
    version: '1.2.3',
  });
}

describe('what is shown', () => {
  it('is the tree of the only one', async () => {
    const { code, stdout } = await sluice('get');
    expect(code).toBe(0);
    expect(stdout).toContain(`└─# ${BLUE}`);
  });

  it('is a line for each with -A', async () => {
    expect((await sluice('get', '-A')).stdout).toMatch(/^NAMESPACE .*\nmqtt +emqx +✔ Stable/);
    const all = JSON.parse((await sluice('get', '-A', '-o', 'json')).stdout) as { sets: object[] }[];
    expect(all[0]?.sets).toHaveLength(1);
  });

  it('is data for programs', async () => {
    const one = JSON.parse((await sluice('get', 'emqx', '-o', 'json')).stdout) as JsonObject;
    expect(one).toMatchObject({ name: 'emqx', phase: 'Stable', sets: [{ name: BLUE, size: 3 }] });
    const all = JSON.parse((await sluice('get', '-o', 'json')).stdout) as JsonObject[];
    expect(all).toEqual([one]);
    const named = JSON.parse((await sluice('get', 'emqx', '-A', '-o', 'json')).stdout) as JsonObject[];
    expect(named).toEqual([one]);
    expect((await sluice('history', '-o', 'yaml')).stdout).toBe('upgrade: null\nhistory: []\n');
  });
});

it('data are followed with -w, too: each that differs', async () => {
  let polls = 0;
  const pause = (): Promise<void> => {
    polls += 1;
    if (polls === 2) have({ status: { phase: 'Paused' } });
    return polls < 4 ? Promise.resolve() : Promise.reject(new Error('seen'));
  };
  const said = { stdout: '', stderr: '' };
  await expect(sluiceFor({ said, pause }, 'get', 'emqx', '-w', '-o', 'yaml')).rejects.toThrow('seen');
  const documents = said.stdout.split('---\n');
  expect(documents.map((one) => /^phase: (\w+)$/m.exec(one)?.[1])).toEqual(['Stable', 'Paused']);
});

describe('what cannot be asked is told with what to do, and exit code 2', () => {
  it.each<[string, () => void, string[], string]>([
    [
      'no such name',
      () => undefined,
      ['get', 'other'],
      'no bluegreen/other in namespace mqtt (there is emqx): check the name and -n',
    ],
    [
      'no such name anywhere',
      () => undefined,
      ['get', 'other', '-A'],
      'no bluegreen/other in any namespace (there is emqx): check the name and -n',
    ],
    [
      "a revision set's name",
      () => undefined,
      ['pause', BLUE],
      `statefulset/${BLUE} belongs to statefulset/emqx: name that one`,
    ],
    [
      'nothing there',
      () => (lists['bluegreens'] = { items: [] }),
      ['status'],
      'no StatefulSet in namespace mqtt is under Sluice: kubectl label statefulset NAME',
    ],
    [
      'Sluice is not installed',
      () => (lists['bluegreens'] = undefined),
      ['get'],
      'Sluice is not installed in this cluster: it knows no bluegreens.sluice.dev',
    ],
    [
      'no such context',
      () => undefined,
      ['get', '--context', 'b'],
      'no context b in the kubeconfig: one of a',
    ],
  ])('%s', async (_, change, words, message) => {
    change();
    const { code, stdout, stderr } = await sluice(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: ${message}`);
  });

  it('an API server that does not answer', async () => {
    writeKubeconfig('gone', 'http://127.0.0.1:1');
    const { code, stderr } = await sluice('get', '--kubeconfig', join(folder, 'gone'));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: cannot reach the API server at http:\/\/127\.0\.0\.1:1: .*; check --context and --kubeconfig\n$/,
    );
  });
});

describe('control characters in what the cluster says', () => {
  // A window's title, a cleared screen, and the same with an 8-bit introducer.
  const BAD = 'x\u001b]0;owned\u0007\u001b[2J\u009b2J\r\u007f';
  const SHOWN = 'x^[]0;owned^G^[[2J\\u009b2J';
  const isHarmless = (text: string): boolean => !/(?!\n)\p{Cc}/u.test(text);

  it.each([
    { where: 'a tree', words: ['get'] },
    { where: 'a table', words: ['get', '-A', '-o', 'wide'] },
    { where: 'a wait', words: ['status', '--no-watch'] },
  ])('in $where reach no terminal', async ({ words }) => {
    have({
      status: {
        phase: 'Progressing',
        wanted: GREEN,
        message: BAD,
        upgrade: { ...upgrade, requestedBy: BAD },
      },
    });
    const { stdout } = await sluice(...words);
    expect(stdout).toContain(SHOWN);
    expect(isHarmless(stdout)).toBe(true);
  });

  it('in errors reach no terminal', async () => {
    const { stderr } = await sluice('get', BAD);
    expect(stderr).toContain('^[]0;owned^G');
    expect(isHarmless(stderr)).toBe(true);
  });

  it('are the same to programs', async () => {
    have({ status: { message: BAD } });
    const { stdout } = await sluice('get', 'emqx', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ message: BAD });
  });
});

describe('what is changed', () => {
  const green = {
    image: NEW,
    status: {
      active: GREEN,
      wanted: GREEN,
      history: [{ ...upgrade, finishedAt: '', result: 'succeeded' as const }],
    },
    sets: [set(GREEN, { image: NEW }), set(BLUE, { size: 0, nodes: [] })],
  };

  it('pause is one field of the BlueGreen', async () => {
    expect(await sluice('pause', 'emqx')).toMatchObject({ code: 0, stdout: 'bluegreen/emqx paused\n' });
    expect(patched).toEqual([
      {
        path: '/apis/sluice.dev/v1alpha1/namespaces/mqtt/bluegreens/emqx',
        type: 'application/merge-patch+json',
        body: { spec: { paused: true } },
      },
    ]);
  });

  it('undo is the earlier template, on the object that was looked at; the warning of the webhook is told', async () => {
    have(green);
    const { code, stdout, stderr } = await sluice('undo', 'emqx');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `statefulset/emqx goes back to ${BLUE}\n` });
    expect(stderr).toBe('Warning: sluice: it was redirected\n');
    expect(patched).toMatchObject([
      {
        path: '/apis/apps/v1/namespaces/mqtt/statefulsets/emqx',
        type: 'application/json-patch+json',
        body: [
          { op: 'test', path: '/metadata/resourceVersion', value: '7' },
          { op: 'replace', path: '/spec/template' },
        ],
      },
    ]);
  });

  it('a refusal by the API server is told in its words, with exit code 1', async () => {
    refusal = { status: 422, message: 'BlueGreen "emqx" is invalid' };
    const { code, stderr } = await sluice('pause', 'emqx');
    expect(code).toBe(1);
    expect(stderr).toContain('error: BlueGreen "emqx" is invalid\n');
  });

  it('what cannot be done now is refused before anything is changed', async () => {
    expect(await sluice('promote', 'emqx')).toMatchObject({ code: 1, stdout: '' });
    expect(await sluice('resume', 'emqx')).toMatchObject({ code: 1, stdout: '' });
    expect(patched).toEqual([]);
  });
});

it('completion offers names of the cluster, and nothing where there is none to ask', async () => {
  const complete = async (config: string): Promise<string> =>
    (await sluice('__complete', 'get', '--kubeconfig', join(folder, config), '')).stdout;
  expect(await complete('config')).toBe('emqx\n:4\n');
  expect(await complete('nosuch')).toBe(':4\n');
});
