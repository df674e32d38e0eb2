import { expect, it } from '@jest/globals';
import { plan } from '../../controller/plan.js';
import { run } from './run.js';

/** Replays one run: `SEED=… npm run jest -- test/model`. */
const SEED = process.env['SEED'];
/** How many sequences; the first seed is fixed, so that every run of the suite tries the same ones. */
const RUNS = Number(process.env['RUNS'] ?? 2000);
const FROM = Number(process.env['FROM'] ?? 1);

it('keeps every promise in random sequences of edits, failures and time', () => {
  const seeds =
    SEED !== undefined ? [Number(SEED)] : Array.from({ length: RUNS }, (_, index) => FROM + index);
  for (const seed of seeds) {
    const { violation, trace } = run(seed, plan, { trace: SEED !== undefined });
    if (violation === undefined) continue;
    const lines = SEED !== undefined ? trace : run(seed, plan, { trace: true }).trace;
    throw new Error(`SEED=${seed}: ${violation}\n${lines.slice(-80).join('\n')}`);
  }
  expect(seeds.length).toBeGreaterThan(0);
}, 600_000);
