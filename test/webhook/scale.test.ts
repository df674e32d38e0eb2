import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { decide } from '../../webhook/decide.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import type { BlueGreens } from '../../webhook/scale.js';
import { answered, options, OWN_USER, patched, request } from './reviews.js';

const scale = (replicas: number): JsonObject => ({
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  metadata: { name: 'emqx', namespace: 'mqtt' },
  spec: replicas === 0 ? {} : { replicas }, // as the API server writes it
});
const asking = (from: number, to: number): AdmissionRequest =>
  request({ subResource: 'scale', oldObject: scale(from), object: scale(to) });

/** A cluster whose only BlueGreen is mqtt/emqx. */
class InMemory implements BlueGreens {
  replicas = 3;
  scale({
    namespace,
    name,
    replicas,
    dryRun,
  }: Parameters<BlueGreens['scale']>[0]): Promise<'recorded' | 'notOurs'> {
    if (namespace !== 'mqtt' || name !== 'emqx') return Promise.resolve('notOurs');
    if (!dryRun) this.replicas = replicas;
    return Promise.resolve('recorded');
  }
}

describe('kubectl scale', () => {
  it.each<{ when: string; from: number; to: number; wanted: number }>([
    { when: 'a declaration at 0 is scaled up', from: 0, to: 5, wanted: 5 },
    { when: 'an adopted declaration is scaled', from: 3, to: 5, wanted: 5 },
    { when: 'a declaration at 0 is scaled to 0', from: 0, to: 0, wanted: 0 },
    { when: 'an adopted declaration is scaled to 0', from: 3, to: 0, wanted: 0 },
  ])('goes to the BlueGreen when $when', async ({ from, to, wanted }) => {
    const blueGreens = new InMemory();
    const asked = asking(from, to);
    const answer = await answered(asked, { blueGreens });
    expect(blueGreens.replicas).toBe(wanted);
    const { spec } = patched(asked, answer) as { spec: { replicas?: number } };
    expect(spec.replicas ?? 0).toBe(from);
    expect(answer.warnings).toEqual([
      `sluice: ${to} replicas recorded in bluegreen/emqx, which sizes the nodes; statefulset/emqx keeps ${from}`,
    ]);
  });

  it('answers a dry run alike and records nothing', async () => {
    const blueGreens = new InMemory();
    const dry = await answered({ ...asking(0, 5), dryRun: true }, { blueGreens });
    expect(blueGreens.replicas).toBe(3);
    expect(dry).toEqual(await answered(asking(0, 5), { blueGreens }));
  });

  it('is refused above what the BlueGreen may have, and nothing is recorded', async () => {
    const blueGreens = new InMemory();
    expect(await decide(asking(0, 1_001), options({ blueGreens }))).toEqual({
      kind: 'refuse',
      message:
        'spec.replicas of statefulset/emqx must be at most 1000 (EMQX nodes), and 1001 are asked for; nothing is changed',
    });
    expect(blueGreens.replicas).toBe(3);
    expect(await answered(asking(0, 1_000), { blueGreens })).toMatchObject({ kind: 'admit' });
  });

  it.each<{ what: string; asked: AdmissionRequest }>([
    { what: 'any number of a set without a BlueGreen', asked: { ...asking(3, 1_001), name: 'postgres' } },
    { what: 'a set without a BlueGreen', asked: { ...asking(3, 5), name: 'postgres' } },
    { what: 'a number that the API server refuses', asked: asking(3, -2) },
    { what: 'a number above int32', asked: asking(3, 2 ** 31) },
    { what: 'our own controller', asked: { ...asking(3, 5), user: OWN_USER } },
  ])('leaves $what alone', async ({ asked }) => {
    const blueGreens = new InMemory();
    expect(await answered(asked, { blueGreens })).toEqual({ kind: 'admit', ops: [], warnings: [] });
    expect(blueGreens.replicas).toBe(3);
  });

  it('gives the API server two seconds', async () => {
    const hangs: BlueGreens = {
      scale: (_target, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    };
    const startedMs = performance.now();
    await expect(async () => decide(asking(0, 5), options({ blueGreens: hangs }))).rejects.toThrow('timeout');
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(4_000);
  });
});
