import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { makePlugin } from '../../scripts/plugin.js';
import { until, type LocalCluster } from '../cluster/index.js';
import { EMQX, IMAGES, loadEmqx, makeNamespace, setImage } from '../demo/emqx.js';
import type { Manifest } from '../demo/manifest.js';
import { crowdOn, type Crowd } from './support/crowd.js';
import { applyFile, exampleOf, fileOf } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';

jest.setTimeout(120_000);

const NAMESPACE = 'e2e-plugin';
const CLIENTS = 60;
const NODES = 2;
/** Fifteen seconds for half of the clients: long enough to look at, on a busy machine too. */
const CONN_EVICT_RATE = 2;
const OUT = 'out/e2e/kubectl-sluice';
const FILES = 'out/e2e/plugin';

let cluster: LocalCluster;
let crowd: Crowd;
beforeAll(async () => {
  cluster = await useSluice();
  await loadEmqx(cluster);
  await makePlugin(OUT);
  rmSync(FILES, { recursive: true, force: true });
  mkdirSync(`${FILES}/bin`, { recursive: true });
  for (const name of ['kubectl-sluice', 'kubectl_complete-sluice']) {
    symlinkSync(resolve(OUT, 'plugin.js'), `${FILES}/bin/${name}`);
  }
  symlinkSync(cluster.programs.kubectl, `${FILES}/bin/kubectl`);
  writeFileSync(`${FILES}/as-it-is.yaml`, fileOf(example(IMAGES.from)));
  writeFileSync(`${FILES}/edited.yaml`, fileOf(example(IMAGES.to)));
  await makeNamespace(cluster, NAMESPACE);
  await applyFile(cluster, NAMESPACE, example(IMAGES.from));
  crowd = await crowdOn(cluster, NAMESPACE, {
    clients: CLIENTS,
    isServed: ({ blueGreen, endpoints }) =>
      blueGreen?.phase === 'Stable' && endpoints?.ready.length === NODES,
  });
}, 30 * 60_000);
afterAll(async () => {
  await crowd.leave();
  await dropNamespaces(cluster, NAMESPACE);
}, 120_000);

/** The example, slow enough to be watched, and with a switch that waits to be asked for. */
function example(image: string): Manifest[] {
  const manifests = exampleOf({ nodes: NODES, image });
  for (const { kind, spec } of manifests) {
    if (kind !== 'BlueGreen') continue;
    const { updateStrategy } = spec as { updateStrategy: { evacuationStrategy: object } };
    Object.assign(updateStrategy.evacuationStrategy, { connEvictRate: CONN_EVICT_RATE });
    Object.assign(spec as object, { promotion: { auto: false } });
  }
  return manifests;
}

interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** kubectl with the plugin on the PATH, as a user types it. */
function kubectl(...words: string[]): Promise<Said> {
  const env = {
    ...process.env,
    KUBECONFIG: cluster.kubeconfig,
    PATH: [resolve(FILES, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
  };
  return new Promise((done, fail) => {
    const child = spawn('kubectl', words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Said = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.on('error', fail);
    child.on('close', (code) => done({ ...said, code }));
  });
}

const inside = (...words: string[]): Promise<Said> => kubectl('sluice', ...words, '--namespace', NAMESPACE);

interface Tree {
  phase: string;
  active: string;
  wanted: string;
  clientsLeft: number;
  remaining: { clients: number; nodes: number; seconds: number; from: string } | null;
  sets: { name: string; roles: string[]; nodes: { pod: string; clients: number | null }[] }[];
}

async function tree(): Promise<Tree> {
  const { stdout, stderr } = await inside('get', EMQX.name, '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Tree;
}

function untilTree(what: string, holds: (seen: Tree) => boolean): Promise<Tree> {
  return until(
    what,
    async () => {
      const seen = await tree();
      return holds(seen) ? seen : undefined;
    },
    { timeoutMs: 60_000 },
  );
}

const clientsOf = ({ sets }: Tree): number =>
  sets.flatMap(({ nodes }) => nodes).reduce((sum, { clients }) => sum + (clients ?? 0), 0);

describe('before an upgrade', () => {
  it('the tree shows the nodes with their clients, without colours where nobody looks at a terminal', async () => {
    // At rest the controller counts twice a minute, but looks at once when the BlueGreen changes.
    await cluster.kubectl(['-n', NAMESPACE, 'annotate', 'bluegreen', EMQX.name, 'example.com/look=now']);
    await untilTree('all clients are counted', (seen) => clientsOf(seen) === CLIENTS);
    const { code, stdout } = await inside('get');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^Phase +✔ Stable$/m);
    expect(stdout).toMatch(/└─# emqx-\w{9} +✔ active 2\/2 +60 +60 /);
    expect(stdout.match(/□ emqx-\w{9}-\d +✔ running/g)).toHaveLength(NODES);
  });

  it('kubectl completes its commands, and names of the cluster', async () => {
    expect((await kubectl('__complete', 'sluice', 'pa')).stdout).toMatch(/^pause\n:4\n/);
    const names = await kubectl('__complete', 'sluice', 'get', '-n', NAMESPACE, '');
    expect(names.stdout).toMatch(/^emqx\n:4\n/);
  });

  it('status is done at once', async () => {
    expect(await inside('status', EMQX.name)).toMatchObject({ code: 0, stderr: '' });
  });

  it('plan tells an edit from none', async () => {
    const none = await inside('plan', '-f', `${FILES}/as-it-is.yaml`);
    expect(none).toMatchObject({ code: 0, stderr: '' });
    expect(none.stdout).toContain('statefulset/emqx: no upgrade: the pod template stays as it is');
    const edited = await inside('plan', '-f', `${FILES}/edited.yaml`);
    expect(edited).toMatchObject({ code: 0, stderr: '' });
    expect(edited.stdout).toContain('statefulset/emqx: a blue-green upgrade');
    expect(edited.stdout).toContain(
      `spec.template.spec.containers[emqx].image: ${IMAGES.from} → ${IMAGES.to}`,
    );
    expect(edited.stdout).toContain('pods: 2 more while it lasts, 4 at most');
    expect(edited.stdout).toContain('2 nodes hand over 60 clients (2/s, 6 s to come back)');
    expect(await tree()).toMatchObject({ phase: 'Stable', remaining: null });
  });

  it('what cannot be done now is refused in one line that says what can', async () => {
    const refusals: [string[], number, string][] = [
      [['promote', EMQX.name], 1, 'error: nothing to promote: emqx-'],
      [
        ['abort', EMQX.name],
        1,
        'error: no upgrade of emqx is in progress; to go back: kubectl sluice undo emqx',
      ],
      [['retry', EMQX.name], 1, 'error: nothing of emqx was aborted or held'],
      [['undo', EMQX.name], 1, 'error: no earlier revision of emqx is kept'],
      [['undo', EMQX.name, '--to', 'bcdfghjkl'], 1, 'error: no revision bcdfghjkl of emqx is kept'],
      [['resume', EMQX.name], 1, 'error: bluegreen/emqx is not paused'],
      [['status', 'nosuch'], 2, 'error: no bluegreen/nosuch in namespace e2e-plugin (there is emqx)'],
      [['get', '--context', 'nosuch'], 2, 'error: no context nosuch in the kubeconfig: one of '],
    ];
    for (const [words, code, text] of refusals) {
      const said = await inside(...words);
      expect(said).toMatchObject({ code, stdout: '' });
      expect(said.stderr.split('\n')[0]).toContain(text);
    }
  });
});

describe('one upgrade', () => {
  let blue: string;

  it('is aborted, and tried again', async () => {
    blue = (await tree()).active;
    await setImage(cluster, NAMESPACE, IMAGES.to);
    expect(await inside('status', EMQX.name, '--watch=false')).toMatchObject({ code: 3 });
    await untilTree('green is made', ({ wanted, sets }) => wanted !== blue && sets.length === 2);
    const aborted = await inside('abort', EMQX.name);
    expect(aborted).toMatchObject({ code: 0, stderr: '' });
    expect(aborted.stdout).toMatch(/^upgrade of emqx to emqx-\w{9} aborted/);
    const status = await inside('status', EMQX.name);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/^emqx has failed: .* was aborted/m);
    expect(await inside('abort', EMQX.name)).toMatchObject({ code: 1 });

    const retried = await inside('retry', EMQX.name);
    expect(retried).toMatchObject({ code: 0, stderr: '' });
    await untilTree('green is made anew', ({ wanted, sets }) => wanted !== blue && sets.length === 2);
  });

  it('runs out of the time that status is given', async () => {
    const { code, stdout } = await inside('status', EMQX.name, '--timeout=1s');
    expect(code).toBe(3);
    expect(stdout).toContain('the time is up after 1s');
  });

  it('pauses, resumes, and switches when promoted', async () => {
    await untilTree('green is ready', ({ phase }) => phase === 'AwaitingPromotion');
    expect(await inside('pause', EMQX.name)).toMatchObject({ code: 0, stdout: 'bluegreen/emqx paused\n' });
    await untilTree('it is paused', ({ phase }) => phase === 'Paused');
    expect(await inside('pause', EMQX.name)).toMatchObject({ code: 1 });
    expect(await inside('resume', EMQX.name)).toMatchObject({ code: 0, stdout: 'bluegreen/emqx resumed\n' });
    await untilTree('it is resumed', ({ phase }) => phase === 'AwaitingPromotion');
    const promoted = await inside('promote', `statefulset/${EMQX.name}`);
    expect(promoted).toMatchObject({ code: 0, stderr: '' });
    expect(promoted.stdout).toMatch(/^emqx switched to emqx-\w{9}/);
  });

  it('tells at a quarter of the drain when it will be over, and status waits for that', async () => {
    const ended = inside('status', EMQX.name, '--timeout=2m').then((said) => ({ said, atMs: Date.now() }));
    const quarter = await untilTree(
      'a quarter of the clients has left',
      ({ phase, clientsLeft }) => phase === 'Draining' && clientsLeft > 0 && clientsLeft <= CLIENTS * 0.75,
    );
    const atMs = Date.now();
    const picture = await until(
      'a picture of a node that hands clients over',
      async () => {
        const { stdout } = await inside('get', EMQX.name);
        return /□ emqx-\w{9}-\d +◌ evicting_conns +\d+ +\d+ +2\/s/.test(stdout) ? stdout : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(picture).toMatch(/^Left +\d+ clients? on \d nodes?, about \d+s \(until /m);
    const { said, atMs: endMs } = await ended;
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/emqx is done: emqx-\w{9} serves with 2\/2 nodes\n$/);
    const truth = (endMs - atMs) / 1000;
    const promised = quarter.remaining?.seconds ?? 0;
    expect(Math.abs(promised - truth) / truth).toBeLessThan(0.2);
  });

  it('is in the history, and undone', async () => {
    const { stdout } = await inside('history');
    expect(stdout).toMatch(/^succeeded +emqx-\w{9} +emqx-\w{9} /m);
    expect(stdout).toMatch(new RegExp(`^aborted +${blue} `, 'm'));
    const undone = await inside('undo', EMQX.name);
    expect(undone).toMatchObject({ code: 0, stdout: `statefulset/emqx goes back to ${blue}\n` });
    expect(undone.stderr).toContain('Warning: sluice: template change redirected to green');
    await untilTree('blue is wanted again', ({ wanted }) => wanted === blue);
  });

  it('is replaced by a restart', async () => {
    const restarted = await inside('restart', EMQX.name);
    expect(restarted).toMatchObject({ code: 0, stdout: 'statefulset/emqx restarted\n' });
    const { active } = await tree();
    await untilTree('a new set is wanted', ({ wanted }) => wanted !== blue && wanted !== active);
  });
});
