import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { makePlugin } from '../../../scripts/plugin.js';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import type { Reading } from './agreement.js';
import { linesOf, type Lines } from './lines.js';

/** What a command wrote, and how it ended. */
export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What is looked at of `kubectl sluice get -o json`. */
export interface Tree {
  phase: string;
  active: string;
  wanted: string;
  clientsLeft: number;
  remaining: { clients: number; nodes: number; seconds: number; from: string } | null;
  sets: { name: string; roles: string[]; nodes: { pod: string; clients: number | null }[] }[];
}

/** A terminal of somebody who has installed the plugin. */
export interface Terminal {
  /** kubectl with the plugin on the PATH, as a user types it. */
  kubectl(...words: string[]): Promise<Said>;
  /** `kubectl sluice … --namespace …` */
  sluice(...words: string[]): Promise<Said>;
  /** The same, for as long as it runs. */
  follow(...words: string[]): Lines;
  tree(): Promise<Tree>;
  untilTree(what: string, holds: (seen: Tree) => boolean, timeoutMs?: number): Promise<Tree>;
}

/** Makes the plugin, and installs it with npm into `folder`, which is emptied. */
export async function openTerminal(
  cluster: LocalCluster,
  { folder, namespace }: { folder: string; namespace: string },
): Promise<Terminal> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/bin`, { recursive: true });
  await makePlugin(`${folder}/package`);
  const npm = (...words: string[]): string => execFileSync('npm', words, { encoding: 'utf8' }).trim();
  const file = npm('pack', `./${folder}/package`, '--pack-destination', folder, '--silent');
  // It needs no other package, so that nothing is asked for.
  npm('install', '--global', '--offline', '--silent', '--prefix', `${folder}/npm`, `./${folder}/${file}`);
  symlinkSync(cluster.programs.kubectl, `${folder}/bin/kubectl`);
  const env = {
    ...process.env,
    KUBECONFIG: cluster.kubeconfig,
    PATH: [resolve(folder, 'bin'), resolve(folder, 'npm/bin'), process.env['PATH'] ?? ''].join(delimiter),
  };
  const kubectl = (...words: string[]): Promise<Said> =>
    new Promise((done, fail) => {
      const child = spawn('kubectl', words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const said: Said = { code: null, stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
      child.on('error', fail);
      child.on('close', (code) => done({ ...said, code }));
    });
  const sluice = (...words: string[]): Promise<Said> => kubectl('sluice', ...words, '--namespace', namespace);
  const tree = async (): Promise<Tree> => {
    const { stdout, stderr } = await sluice('get', EMQX.name, '-o', 'json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Tree;
  };
  return {
    kubectl,
    sluice,
    follow: (...words) => linesOf('kubectl', [...words, '--namespace', namespace], env),
    tree,
    untilTree: (what, holds, timeoutMs = 60_000) =>
      until(
        what,
        async () => {
          const seen = await tree();
          return holds(seen) ? seen : undefined;
        },
        { timeoutMs, everyMs: 250 },
      ),
  };
}

/** What `kubectl get bluegreen --watch` has shown. Pure. */
export function readingsOfKubectl({ seen }: Pick<Lines, 'seen'>): Reading[] {
  return seen.flatMap(({ atMs, text }) => {
    const [, phase, clientsLeft] = /^emqx +(\w+) +\S+ +\S+ +\d+\/\d+ +(\d+) /.exec(text) ?? [];
    return phase === undefined ? [] : [{ atMs, phase, clientsLeft: Number(clientsLeft) }];
  });
}

/** What the pictures of `kubectl sluice get --watch` have shown: each is the lines up to the next `---`. Pure. */
export function readingsOfTree({ seen }: Pick<Lines, 'seen'>): Reading[] {
  const pictures: { atMs: number; text: string }[][] = [[]];
  for (const line of seen) {
    if (line.text === '---') pictures.push([]);
    else pictures.at(-1)?.push(line);
  }
  return pictures.flatMap((lines) => {
    const [first] = lines;
    const whole = lines.map(({ text }) => text).join('\n');
    const [, phase] = /^Phase +\S (\w+)$/m.exec(whole) ?? [];
    const [, left] = /^Left +(\d+) clients? on /m.exec(whole) ?? [];
    if (!first || phase === undefined) return [];
    return [{ atMs: first.atMs, phase, ...(left !== undefined && { clientsLeft: Number(left) }) }];
  });
}
