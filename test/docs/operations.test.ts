import { globSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CONTROLLER_METRICS } from '../../controller/metrics/catalogue.js';
import { find, findHelm, FIND_HELM_MS, listAt, textAt } from '../charts/render.js';
import { readPage } from './markdown.js';
import { logKeysOf, logLinesOf, reasonsOf, textsOf, wordsOfType, type Text } from './said.js';

const { prose } = readPage('docs/operations.md');

/** The text below a heading, up to the next one of its rank. */
function section(heading: string): string {
  const [, body = ''] = new RegExp(`^## ${heading}\\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(prose) ?? [];
  return body;
}

/** What stands between backticks in the first column of a section's table. */
function firstColumn(heading: string): string[] {
  return [...section(heading).matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell);
}

describe('docs/operations.md tells of', () => {
  it('every phase', () => {
    expect(firstColumn('Phases')).toEqual(wordsOfType('lib/types.ts', 'Phase'));
  });

  it('every condition', () => {
    const types =
      /interface Condition \{\s*type: ([^;]*);/.exec(readFileSync('lib/types.ts', 'utf8'))?.[1] ?? '';
    expect(firstColumn('Conditions')).toEqual([...types.matchAll(/'(\w+)'/g)].map(([, type]) => type));
  });

  const stalls = wordsOfType('controller/model.ts', 'StallReason');

  it('every reason why a person has to act', () => {
    expect(stalls.length).toBeGreaterThan(10);
    expect(firstColumn('When a person has to act')).toEqual(stalls);
  });

  it('every other reason of an event, and of the condition of a namespace', () => {
    const reasons = reasonsOf(['controller/status/*.ts', 'controller/farewell.ts'], { constant: 'REASONS' });
    expect(reasons.length).toBeGreaterThan(25);
    const told = [...firstColumn('Events'), ...stalls];
    expect(
      reasons.filter((reason) => !told.includes(reason) && !section('Events').includes(`\`${reason}\``)),
    ).toEqual([]);
    expect(firstColumn('Events').filter((reason) => !reasons.includes(reason))).toEqual([]);
  });
});

/** Files whose texts come before no user of Sluice: settings of the programs, selectors, what only logs say. */
const UNSEEN = [
  'controller/main.ts',
  'controller/settings.ts',
  'controller/sidecars.ts',
  'controller/lease.ts',
  'controller/observe/observe.ts',
  'controller/observe/silence.ts',
  'webhook/settings.ts',
  'webhook/metrics.ts',
  'webhook/spans.ts',
  'webhook/certificate.ts',
  'webhook/review.ts',
];
/** Texts that are none: what the webhook's port answers to whoever is no API server. */
const NONE = [
  'only POST …, GET /healthz and GET /readyz',
  'a review may have … bytes',
  'no certificate yet\n',
];

const seen = (pattern: string): string[] => globSync(pattern).filter((file) => !UNSEEN.includes(file));
const texts = textsOf([
  ...seen('controller/*.ts'),
  ...seen('controller/{observe,apply,inject,status}/*.ts'),
  ...seen('webhook/*.ts'),
  ...['lib/injectable.ts', 'lib/emqx-container.ts', 'lib/emqx/pairs.ts', 'sidecar/observer.ts'],
  ...globSync('uninstall/*.ts'),
]).filter(({ shown }) => !NONE.includes(shown));

/** What stands between backticks where messages are told of. */
const spans = ['Events', 'Messages', 'Answers at admission', 'Uninstalling'].flatMap((heading) =>
  [...section(heading).matchAll(/`([^`]+)`/g)].map(([, span = '']) => span),
);

/** Why the gate lets EMQX stop with sessions left. */
const lossWords = globSync('sidecar/scripts/*.sh').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/\bnowhere '([^']+)'/g)].map(([, words = '']) => words),
);

function isIn(pieces: readonly string[], span: string): boolean {
  let from = 0;
  return pieces.every((piece) => {
    const at = span.indexOf(piece, from);
    from = at + piece.length;
    return at >= 0;
  });
}

describe('messages', () => {
  it('of the programs are read', () => {
    expect(texts.length).toBeGreaterThan(150);
  });

  it('are told of, each of them', () => {
    const untold = texts.filter(({ pieces }) => !spans.some((span) => isIn(pieces, span)));
    expect(untold.map(({ file, shown }) => `${file}: ${shown}`)).toEqual([]);
  });

  it('of the gate, why sessions were lost, are told of', () => {
    expect(lossWords.length).toBeGreaterThan(1);
    expect(lossWords.filter((words) => !spans.includes(words))).toEqual([]);
  });

  it('that are told of are messages of the programs', () => {
    const isSaid = (span: string): boolean =>
      texts.some((text) => isIn(text.pieces, span) && isMostOf(text, span));
    // Single words, commands and fields are no messages.
    const told = spans.filter(
      (span) => / .*…|… /.test(span) || (/^\S+ \S+ \S/.test(span) && !/^(kubectl|emqx) /.test(span)),
    );
    expect(told.length).toBeGreaterThan(120);
    expect(told.filter((span) => !isSaid(span) && ![...KEPT, ...lossWords].includes(span))).toEqual([]);
  });
});

/** How kubectl shows a warning. */
const KEPT = ['Warning: …'];

/** A text says what its span says, not only a word of it. */
function isMostOf({ pieces }: Text, span: string): boolean {
  const length = pieces.join('').length;
  return length >= 12 || length >= span.replaceAll('…', '').trim().length / 2;
}

const PROGRAMS = ['controller/**/*.ts', 'webhook/*.ts', 'sidecar/*.ts', 'certs/*.ts', 'lib/**/*.ts'];

it('what is the same in other places has the names that it has there', () => {
  const columns = (index: number): string[] =>
    section('The same thing in other places')
      .split('\n')
      .flatMap((row) => /`([\w.]+)`/.exec(row.split('|')[index] ?? '')?.[1] ?? []);
  const [logs, labels, attributes] = [columns(3), columns(4), columns(5)];
  expect(logs.filter((key) => !logKeysOf(PROGRAMS).includes(key))).toEqual([]);
  const known: string[] = Object.values(CONTROLLER_METRICS).flatMap((one) => [...one.labels]);
  expect(labels.filter((label) => !known.includes(label))).toEqual([]);
  const source = globSync('controller/trace/*.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join();
  expect(attributes.length).toBeGreaterThan(5);
  expect(attributes.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
});

describe('log lines', () => {
  it('have the keys that are told of, and no others: one name for one thing', () => {
    const told = [
      ...section('Logs')
        .split('\n|', 1)
        .join()
        .matchAll(/`(\w+)`/g),
    ].map(([, key = '']) => key);
    const given = ['level', 'time', 'program', 'msg', 'logLevel', 'stack'];
    const named = new Set(told.filter((key) => !given.includes(key)));
    expect([...named].toSorted()).toEqual(logKeysOf(PROGRAMS));
  });

  it('of warnings and errors are told of, and no others', () => {
    const lines = logLinesOf(PROGRAMS);
    const ofPrograms = lines
      .filter(({ level }) => ['warn', 'error', 'fatal'].includes(level))
      .map(({ message }) => message);
    const script = readFileSync('sidecar/scripts/run.sh', 'utf8').matchAll(
      /\blog (?:warn|error) (['"])(.+?)\1 /g,
    );
    const ofScript = [...script].map(([, , message = '']) => message.replace(/\$\{[^}]*\}/g, '…'));
    expect(ofScript.length).toBeGreaterThan(0);
    expect(firstColumn('Logs').toSorted()).toEqual([...new Set([...ofPrograms, ...ofScript])].toSorted());
  });
});

it(
  'every alert of the chart is told of',
  async () => {
    const objects = await (await findHelm()).template('sluice', { metrics: { rules: { enabled: true } } });
    const [group] = listAt(find(objects, 'PrometheusRule', ''), 'spec', 'groups');
    expect(firstColumn('Alerts')).toEqual(listAt(group, 'rules').map((rule) => textAt(rule, 'alert')));
  },
  FIND_HELM_MS,
);

beforeAll(async () => void (await findHelm()), FIND_HELM_MS);
