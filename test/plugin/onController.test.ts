import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { textAt } from '../../lib/fields.js';
import { isObject, type JsonObject } from '../../lib/json.js';
import { run } from '../../plugin/run.js';
import { startLeader, type Leader } from '../controller/double/leader.js';
import { makeWorld, NAMESPACE, type World } from '../controller/double/world.js';
import { BLUEGREENS, SERVICES, SETS } from '../controller/double/workloads.js';
import { declarationObject, serviceObject } from '../controller/fixtures/objects.js';
import { liveTemplate } from '../controller/fixtures/templates.js';

// each wait has its own limit
jest.setTimeout(60_000);

/** A cluster in memory, and the real controller at work in it. */
let world: World;
let leader: Leader;
let folder: string;
beforeEach(async () => {
  world = await makeWorld();
  world.store.create(SERVICES, NAMESPACE, serviceObject());
  world.store.create(SETS, NAMESPACE, declarationObject());
  folder = mkdtempSync(join(tmpdir(), 'kubectl-sluice-'));
  const cluster = { server: world.url, 'insecure-skip-tls-verify': true };
  writeFileSync(
    join(folder, 'config'),
    JSON.stringify({
      clusters: [{ name: 'a', cluster }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: NAMESPACE } }],
      'current-context': 'a',
    }),
  );
  leader = startLeader(world);
  await world.until('Stable', () => statusNow()['phase'] === 'Stable');
});
afterEach(async () => {
  await leader.stop();
  world.close();
  rmSync(folder, { recursive: true });
});

function statusNow(): JsonObject {
  const { status } = world.blueGreen();
  return isObject(status) ? status : {};
}

function active(): string {
  return textAt(statusNow(), 'active');
}

function edit(change: (set: JsonObject) => JsonObject): void {
  world.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, change);
}

function setImage(image: string): void {
  edit((set) => ({
    ...set,
    spec: { ...(set['spec'] as JsonObject), template: liveTemplate({ emqx: { image } }) },
  }));
}

async function sluice(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const code = await run([...words, '--kubeconfig', join(folder, 'config')], {
    screen: {
      write: (text) => (said.stdout += text),
      isTerminal: false,
      isColoured: false,
      columns: () => Infinity,
      rows: () => Infinity,
    },
    writeError: (text) => (said.stderr += text),
    // The world's pods start and drain in milliseconds.
    pause: async () => {
      await sleep(20);
    },
    version: '1.2.3',
  });
  return { code, ...said };
}

const WAIT = '--timeout=30s';

describe('an edit', () => {
  it('is waited for, is in the history with its steps, and is undone', async () => {
    const blue = active();
    setImage('emqx/emqx-enterprise:5.8.9');
    const waited = await sluice('status', WAIT);
    expect(waited).toMatchObject({ code: 0, stderr: '' });
    const green = active();
    expect(green).not.toBe(blue);
    expect(waited.stdout).toContain(`emqx is done: ${green} serves with 3/3 nodes\n`);
    const history = await sluice('history', '--steps');
    expect(history.stdout).toMatch(new RegExp(`^succeeded +${blue} +${green} `, 'm'));
    expect(history.stdout.match(/✔ start /g)).toHaveLength(3);
    expect(history.stdout.match(/✔ drain /g)).toHaveLength(3);

    const undone = await sluice('undo', 'emqx');
    expect(undone).toMatchObject({ code: 0, stdout: `statefulset/emqx goes back to ${blue}\n` });
    expect(await sluice('status', WAIT)).toMatchObject({ code: 0 });
    expect(active()).toBe(blue);
  });

  it('by restart replaces every node', async () => {
    const blue = active();
    expect(await sluice('restart', 'emqx')).toMatchObject({
      code: 0,
      stdout: 'statefulset/emqx restarted\n',
    });
    expect(await sluice('status', WAIT)).toMatchObject({ code: 0 });
    expect(active()).not.toBe(blue);
  });

  it('that cannot run is told as failed when it was aborted, tried again, and given up for another', async () => {
    const blue = active();
    setImage('broken');
    await world.until('green is wanted', () => statusNow()['wanted'] !== blue);
    const aborted = await sluice('abort', 'emqx');
    expect(aborted).toMatchObject({ code: 0, stderr: '' });
    expect(aborted.stdout).toMatch(/^upgrade of emqx to emqx-\w{9} aborted/);
    const failed = await sluice('status', WAIT);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/emqx has failed: upgrade to revision \w{9} was aborted/);
    expect(await sluice('promote', 'emqx')).toMatchObject({ code: 1, stdout: '' });

    expect(await sluice('retry', 'emqx')).toMatchObject({ code: 0, stderr: '' });
    await world.until('green is wanted again', () => statusNow()['wanted'] !== blue);
    expect(await sluice('status', '--no-watch')).toMatchObject({ code: 3 });
    expect(await sluice('status', '--timeout=1s')).toMatchObject({ code: 3 });

    const undone = await sluice('undo', 'emqx');
    expect(undone).toMatchObject({ code: 0, stdout: `statefulset/emqx goes back to ${blue}\n` });
    expect(await sluice('status', WAIT)).toMatchObject({ code: 0 });
    expect(active()).toBe(blue);
  });

  it('waits while it is paused, goes on when resumed, and switches when promoted', async () => {
    const blue = active();
    const blueGreen = { collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' };
    world.store.edit(blueGreen, (object) => ({
      ...object,
      spec: { ...(object['spec'] as JsonObject), promotion: { auto: false, previewService: '' } },
    }));
    setImage('emqx/emqx-enterprise:5.8.9');
    await world.until('it is to be promoted', () => statusNow()['phase'] === 'AwaitingPromotion');
    expect(await sluice('pause', 'emqx')).toMatchObject({ code: 0 });
    await world.until('Paused', () => statusNow()['phase'] === 'Paused');
    expect((await sluice('promote', 'emqx')).stdout).toMatch(/is paused: promote emqx-\w{9} comes after/);
    expect(active()).toBe(blue);
    expect(await sluice('resume', 'emqx')).toMatchObject({ code: 0 });
    expect(await sluice('status', WAIT)).toMatchObject({ code: 0 });
    expect(active()).not.toBe(blue);
    expect((await sluice('get')).stdout).toMatch(/^Last +emqx-\w{9} → emqx-\w{9}: succeeded/m);
  });
});

it('a hand-back is waited for until Sluice has let go', async () => {
  edit((set) => {
    const metadata = set['metadata'] as JsonObject;
    return { ...set, metadata: { ...metadata, labels: { 'sluice.dev/managed': 'true' } } };
  });
  const { code, stdout } = await sluice('status', WAIT);
  expect(code).toBe(0);
  expect(stdout).toContain('emqx is handed back: Sluice has let go of it');
  expect((await sluice('get', 'emqx')).stderr).toContain('statefulset/emqx is not under Sluice');
});
