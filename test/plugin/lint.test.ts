import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { findingLines, lint } from '../../plugin/lint.js';
import { paint } from '../../plugin/paint.js';
import { parseManifests } from '../../plugin/manifests.js';
import { isObject, type JsonObject } from '../../lib/json.js';
import { template } from './cases.js';

const examples = ['examples/emqx.yaml', 'examples/bluegreen.yaml']
  .map((file) => readFileSync(file, 'utf8'))
  .join('---\n');

/** The examples after an edit of their text. */
function edited(...edits: [string | RegExp, string][]): JsonObject[] {
  let text = examples;
  for (const [from, to] of edits) {
    const before = text;
    text = text.replace(from, to);
    if (text === before) throw new Error(`the examples hold no ${String(from)}`);
  }
  return parseManifests(text, 'examples');
}

it('finds nothing in the examples', () => expect(lint(edited())).toEqual([]));

describe('the pair of versions', () => {
  it.each([
    ['emqx/emqx-enterprise:5.8.7', 0],
    ['5.8.1', 0],
    ['a-build-of-ours', 0],
    ['emqx/emqx-ee:4.4.19', 1],
    ['5.9.0', 1],
  ])('from %s: %d errors', (from, errors) => {
    const found = lint(edited(), { from });
    expect(found).toHaveLength(errors);
    for (const { message } of found)
      expect(message).toContain('EMQX 5.8.8 is not known to share a cluster with');
  });

  it('is not looked at where unlisted ones are allowed', () => {
    const objects = edited(['  updateStrategy:', '  allowUnlistedVersions: true\n  updateStrategy:']);
    expect(lint(objects, { from: '4.4.19' })).toEqual([]);
  });
});

describe('what is found', () => {
  it.each<{ what: string; objects: JsonObject[]; severity: string; field: RegExp; says: RegExp }>([
    {
      what: 'an unknown value of the label',
      objects: edited(['upgrade: blue-green', 'upgrade: bluegreen']),
      severity: 'error',
      field: /sluice\.dev\/upgrade/,
      says: /"bluegreen" changes nothing: the one value is blue-green/,
    },
    {
      what: 'OnDelete',
      objects: edited([
        '  podManagementPolicy',
        '  updateStrategy: { type: OnDelete }\n  podManagementPolicy',
      ]),
      severity: 'warning',
      field: /updateStrategy\.type/,
      says: /OnDelete has no effect/,
    },
    {
      what: 'no readiness probe',
      objects: edited(['readinessProbe', 'startupProbe']),
      severity: 'warning',
      field: /containers\[emqx\]\.readinessProbe/,
      says: /missing/,
    },
    {
      what: 'a short grace period',
      objects: edited(['      containers:', '      terminationGracePeriodSeconds: 30\n      containers:']),
      severity: 'warning',
      field: /terminationGracePeriodSeconds/,
      says: /30 is raised to 3700/,
    },
    {
      what: 'no replicas',
      objects: edited(['replicas: 3', 'replicas: 0']),
      severity: 'warning',
      field: /spec\.replicas/,
      says: /kubectl scale statefulset emqx --replicas=0/,
    },
    {
      what: 'an image that moves',
      objects: edited([':5.8.8', ':latest']),
      severity: 'warning',
      field: /containers\[emqx\]\.image/,
      says: /no fixed version/,
    },
    {
      what: 'nodes that find only those they know',
      objects: edited(['value: dns', 'value: static']),
      severity: 'error',
      field: /DISCOVERY_STRATEGY/,
      says: /green nodes cannot find blue ones/,
    },
    {
      what: 'a hook that cannot be chained',
      objects: edited([
        '          resources:',
        '          lifecycle: { preStop: { sleep: { seconds: 5 } } }\n          resources:',
      ]),
      severity: 'error',
      field: /spec\.template/,
      says: /preStop hook of container emqx is of kind sleep/,
    },
    {
      what: 'a name that Sluice needs',
      objects: edited([
        '        - name: data\n          emptyDir',
        '        - name: sluice\n          emptyDir',
      ]),
      severity: 'error',
      field: /spec\.template/,
      says: /a volume is named sluice/,
    },
    {
      what: 'a headless Service that hides nodes that are not ready',
      objects: edited(['publishNotReadyAddresses: true', 'publishNotReadyAddresses: false']),
      severity: 'error',
      field: /service\/emqx-headless: spec\.publishNotReadyAddresses/,
      says: /must be true/,
    },
    {
      what: 'no Service to switch',
      objects: edited([
        '  selector: { app: emqx }\n  ports:\n    - { name: mqtt',
        '  selector: { app: other }\n  ports:\n    - { name: mqtt',
      ]),
      severity: 'warning',
      field: /metadata\.labels/,
      says: /no Service of these files selects the pods of emqx/,
    },
    {
      what: "Sluice's own key in a selector",
      objects: edited([
        '  selector: { app: emqx }',
        '  selector: { app: emqx, sluice.dev/revision: bcdfghjkl }',
      ]),
      severity: 'warning',
      field: /service\/emqx: spec\.selector/,
      says: /take it out/,
    },
    {
      what: 'a BlueGreen of another name',
      objects: edited(['  name: emqx\nspec:\n  updateStrategy', '  name: mqtt\nspec:\n  updateStrategy']),
      severity: 'warning',
      field: /metadata\.name/,
      says: /there is emqx/,
    },
    {
      what: 'no time to come back',
      objects: edited(['waitTakeover: 6', 'waitTakeover: 0']),
      severity: 'warning',
      field: /waitTakeover/,
      says: /disconnected twice/,
    },
    {
      what: 'an autoscaler of the StatefulSet',
      objects: [
        ...edited(),
        {
          kind: 'HorizontalPodAutoscaler',
          metadata: { name: 'emqx' },
          spec: { scaleTargetRef: { kind: 'StatefulSet', name: 'emqx' } },
        },
      ],
      severity: 'error',
      field: /scaleTargetRef/,
      says: /target sluice\.dev\/v1alpha1 BlueGreen emqx/,
    },
    {
      what: 'files without a declaration',
      objects: edited([/ +sluice\.dev\/upgrade: blue-green\n/, '']),
      severity: 'warning',
      field: /sluice\.dev\/upgrade/,
      says: /no StatefulSet carries/,
    },
    {
      what: 'two containers that might be EMQX',
      objects: [ambiguous()],
      severity: 'error',
      field: /spec\.containers/,
      says: /set spec\.emqx\.container to one of: emqx, other/,
    },
  ])('$what', ({ objects, severity, field, says }) => {
    const found = lint(objects).filter((one) => field.test(one.field));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ severity });
    expect(found[0]?.message).toMatch(says);
  });
});

function ambiguous(): JsonObject {
  const whole = template('emqx:1.0');
  const { containers } = whole['spec'] as { containers: JsonObject[] };
  containers.push({ ...containers[0], name: 'other' });
  return {
    kind: 'StatefulSet',
    metadata: { name: 'emqx', labels: { 'sluice.dev/upgrade': 'blue-green' } },
    spec: { template: whole },
  };
}

describe('files of several namespaces', () => {
  const inNamespace = (namespace: string, objects: JsonObject[]): JsonObject[] =>
    objects.map((one) => ({ ...one, metadata: { ...(one['metadata'] as JsonObject), namespace } }));
  const grace = (seconds: number): [RegExp, string] => [
    /^( +)(containers:)/m,
    `$1terminationGracePeriodSeconds: ${seconds}\n$1$2`,
  ];
  const drain = (seconds: number): [string, string] => [
    '  updateStrategy:',
    `  drainTimeoutSeconds: ${seconds}\n  updateStrategy:`,
  ];

  it('each StatefulSet has the BlueGreen beside it', () => {
    const found = lint([
      ...inNamespace('a', edited(grace(3000), drain(60))),
      ...inNamespace('b', edited(grace(3000), drain(7200))),
    ]);
    expect(found.map(({ namespace, field }) => ({ namespace, field }))).toEqual([
      { namespace: 'b', field: 'spec.template.spec.terminationGracePeriodSeconds' },
    ]);
    expect(findingLines(found).map((line) => paint(line, false))[0]).toContain('b/statefulset/emqx ');
  });

  it("a Service of another is none of its own, and one without a namespace goes with the others'", () => {
    const [service] = edited().filter(
      (one) => one['kind'] === 'Service' && !JSON.stringify(one).includes('"clusterIP":"None"'),
    );
    const rest = edited().filter((one) => JSON.stringify(one) !== JSON.stringify(service));
    const elsewhere = lint([...inNamespace('a', rest), ...inNamespace('b', service ? [service] : [])]);
    expect(elsewhere.map(({ message }) => message).join()).toContain('no Service of these files selects');
    expect(lint([...inNamespace('a', rest), ...(service ? [service] : [])])).toEqual([]);
  });
});

describe('manifests', () => {
  it('of a List are its items, and empty documents are none', () => {
    const text = '---\n# nothing\n---\nkind: List\nitems:\n- { kind: A }\n- { kind: B }\n';
    expect(parseManifests(text, 'x').map(({ kind }) => kind)).toEqual(['A', 'B']);
  });

  it('that are no YAML are refused with the place', () => {
    expect(() => parseManifests('a: [', 'emqx.yaml')).toThrow(/^emqx\.yaml: .* line 1/);
    expect(() => parseManifests('- a', 'emqx.yaml')).toThrow('emqx.yaml: a document is no object');
  });

  it('are objects', () => expect(edited().every(isObject)).toBe(true));
});
