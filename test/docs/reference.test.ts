import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import { toldKeys } from '../../scripts/keys-reference.js';
import { references } from '../../scripts/reference.js';
import { FIND_HELM_MS } from '../charts/render.js';

const PAGES = ['docs/resource.md', 'docs/keys.md', 'docs/metrics.md', 'docs/kubectl-sluice.md'];

let made: Record<string, string>;
beforeAll(async () => {
  made = await references();
}, FIND_HELM_MS);

describe('the references', () => {
  it('are these pages', () => {
    expect(Object.keys(made)).toEqual(PAGES);
  });

  it.each(PAGES)('%s is what the programs say; npm run reference writes it', (page) => {
    expect(readFileSync(page, 'utf8')).toBe(made[page]);
  });

  it('tell of every label and annotation, and of no other', () => {
    expect(toldKeys().toSorted()).toEqual([...Object.values(LABEL), ...Object.values(ANNOTATION)].toSorted());
  });
});
