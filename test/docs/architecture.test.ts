import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const architecture = read('ARCHITECTURE.md');

describe('ARCHITECTURE.md', () => {
  it('names files that are there', () => {
    const table = architecture.slice(0, architecture.indexOf('## The steps of an upgrade'));
    const paths = [...table.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names the programs that are kept apart', () => {
    const [, named = ''] = /^Programs \(([^)]*)\) never import one another/m.exec(architecture) ?? [];
    const [, kept = ''] = /const programs = \[([^\]]*)\]/.exec(read('.dependency-cruiser.cjs')) ?? [];
    const folders = [...named.matchAll(/`(\w+)\/`/g)].map(([, folder]) => folder);
    expect(folders).not.toHaveLength(0);
    expect(folders).toEqual([...kept.matchAll(/'(\w+)'/g)].map(([, folder]) => folder));
  });

  it('has every rule of the plan, in its order', () => {
    const source = read('controller/plan.ts');
    const listed = (name: string): string[] => {
      const [, list = ''] = new RegExp(`const ${name}: Rule\\[\\] = \\[([^\\]]*)\\]`).exec(source) ?? [];
      return list
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean)
        .flatMap((entry) => (entry.startsWith('...') ? listed(entry.slice(3)) : [entry]));
    };
    const rules = listed('RULES');
    expect(rules.length).toBeGreaterThan(10);
    const rows = architecture.split('\n').filter((line) => /^\| `[a-zA-Z]+`[,` a-zA-Z]*\|/.test(line));
    const named = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(named).toEqual(rules);
  });
});

describe.each([
  'README.md',
  'ARCHITECTURE.md',
  'docs/emqx.md',
  'docs/gitops.md',
  'docs/tracing.md',
  'docs/kubectl-sluice.md',
  'docs/pods.md',
])('%s', (file) => {
  it('links to files that are there', () => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([]);
  });
});
