import { expect, it } from '@jest/globals';
import { inject } from '../../../controller/inject/inject.js';
import { parseBlueGreen } from '../../../controller/observe/bluegreen.js';
import { specOf } from '../../../lib/blue-green-spec.js';
import { settingsFor } from '../../../controller/retire.js';
import { situationOf } from '../../../controller/situation.js';
import type { JsonObject } from '../../../lib/json.js';
import { SIDECAR_ENV } from '../../../lib/sidecar-env.js';
import { parseSettings, settingsOfConf } from '../../../sidecar/drain-settings.js';
import { objectsAt, textAt } from '../../../lib/fields.js';
import { observed } from '../cases.js';
import { liveTemplate } from '../fixtures/templates.js';

/** Stored before the schema had these limits. */
const stored: JsonObject = {
  replicas: 1_000_000,
  noRecipientSeconds: 1_000_000,
  updateStrategy: {
    initialDelaySeconds: 1_000_000,
    evacuationStrategy: { waitTakeover: 100_000, connEvictRate: 2_000_000, sessEvictRate: 2_000_000 },
  },
};

it('numbers that a sidecar refuses count as the nearest that it takes', () => {
  const { spec } = parseBlueGreen({ spec: stored }, { defaults: {}, declarationUid: 'u' });
  const situation = situationOf(observed({ spec }));
  const settings = situation.active && settingsFor(situation.active, situation);
  expect(settings).toMatchObject({ connEvictRate: 1_000_000, waitTakeover: 86_400, waitHealthCheck: 86_400 });
  expect(parseSettings({ ...settings })).toEqual(settings);
});

it.each<{ when: string; metadata: JsonObject; isOurs: boolean }>([
  { when: 'the declaration owns it', metadata: { ownerReferences: [{ uid: 'u' }] }, isOurs: true },
  {
    when: 'it is labelled so, and its owner has gone',
    metadata: { labels: { 'sluice.dev/managed': 'true' } },
    isOurs: true,
  },
  { when: 'another owns it', metadata: { ownerReferences: [{ uid: 'v' }] }, isOurs: false },
  { when: 'it has neither', metadata: {}, isOurs: false },
])('Sluice made it, $isOurs, when $when', ({ metadata, isOurs }) => {
  expect(parseBlueGreen({ metadata }, { defaults: {}, declarationUid: 'u' }).isOurs).toBe(isOurs);
});

it('a size that no revision may have counts as the most that one may', () => {
  expect(specOf(stored).replicas).toBe(1_000);
  expect(specOf({}).replicas).toBeUndefined();
});

it('a set made with such numbers has a sidecar that starts', () => {
  const injection = inject(liveTemplate(), {
    revision: 'bcdfghjkl',
    spec: specOf(stored),
    sidecar: { image: 's', imagePullPolicy: 'Always', resources: {}, controlCa: '', metricsPort: 9441 },
    headlessService: 'emqx-headless',
    secretName: 'key',
    isOwnSecret: true,
  });
  if (injection.kind === 'refused') throw new Error(injection.message);
  const [sidecar] = objectsAt(injection.template, 'spec', 'initContainers');
  const given = new Map(
    objectsAt(sidecar, 'env').map((variable) => [textAt(variable, 'name'), textAt(variable, 'value')]),
  );
  // as run.sh writes them at its start
  const names = ['connEvictRate', 'sessEvictRate', 'waitTakeover', 'waitHealthCheck'] as const;
  const others = ['noRecipientSeconds', 'withoutEvacuation'] as const;
  const conf = [...names, ...others]
    .map((name) => `${name}=${given.get(SIDECAR_ENV[name]) ?? ''}\n`)
    .join('');
  expect(settingsOfConf(conf)).toMatchObject({ sessEvictRate: 1_000_000, noRecipientSeconds: 86_400 });
});
