import { describe, expect, it } from '@jest/globals';
import { inject, type InjectionSettings } from '../../../controller/inject/inject.js';
import { takeOut } from '../../../lib/injected.js';
import type { JsonObject } from '../../../lib/json.js';
import { DEFAULT_SPEC } from '../../../lib/types.js';
import { defaulted, liveTemplate, randomTemplate, seeded } from '../fixtures/templates.js';

const settings = (changes: Partial<InjectionSettings> = {}): InjectionSettings => ({
  revision: 'bcdfghjkl',
  spec: DEFAULT_SPEC,
  sidecar: {
    image: 'sluice:1',
    imagePullPolicy: 'IfNotPresent',
    resources: {},
    controlCa: 'PEM',
    metricsPort: 9441,
  },
  headlessService: 'emqx-headless',
  secretName: 'emqx-sluice-api-key',
  isOwnSecret: true,
  ...changes,
});

function injected(template: JsonObject, changes: Partial<InjectionSettings> = {}): JsonObject {
  const injection = inject(template, settings(changes));
  if (injection.kind === 'refused') throw new Error(injection.message);
  return injection.template;
}

function refusal(template: JsonObject, changes: Partial<InjectionSettings> = {}): string {
  const injection = inject(template, settings(changes));
  return injection.kind === 'refused' ? injection.message : '';
}

const podOf = (template: JsonObject): JsonObject => template['spec'] as JsonObject;
const emqxOf = (template: JsonObject): JsonObject =>
  (podOf(template)['containers'] as JsonObject[]).find(({ name }) => name === 'emqx') ?? {};

describe('the metrics port', () => {
  const sidecarOf = (template: JsonObject): JsonObject =>
    (podOf(template)['initContainers'] as JsonObject[]).find(({ name }) => name === 'sluice') ?? {};
  const metricsOf = (template: JsonObject): unknown[] =>
    [
      ...(sidecarOf(template)['ports'] as JsonObject[]),
      ...(sidecarOf(template)['env'] as JsonObject[]),
    ].filter(({ name }) => name === 'sluice-metrics' || name === 'SLUICE_METRICS_PORT');

  it('is told to the sidecar, and named for PodMonitors', () => {
    expect(metricsOf(injected(liveTemplate()))).toEqual([
      { name: 'sluice-metrics', containerPort: 9441, protocol: 'TCP' },
      { name: 'SLUICE_METRICS_PORT', value: '9441' },
    ]);
  });

  it('is left to a container of the user that has it', () => {
    const exporter = { name: 'exporter', image: 'x', ports: [{ containerPort: 9441, protocol: 'TCP' }] };
    const template = liveTemplate();
    (podOf(template)['containers'] as JsonObject[]).push(exporter);
    expect(metricsOf(injected(template))).toEqual([]);
  });

  it('is not there where metrics are off', () => {
    const { sidecar } = settings();
    const off = { sidecar: { ...sidecar, metricsPort: 0 } };
    expect(metricsOf(injected(liveTemplate(), off))).toEqual([]);
  });
});

describe('where traces go', () => {
  const otel = [
    { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' },
    {
      name: 'OTEL_EXPORTER_OTLP_HEADERS',
      valueFrom: { secretKeyRef: { name: 'otel-headers', key: 'headers', optional: true } },
    },
  ];
  const { sidecar } = settings();
  const told = injected(liveTemplate(), { sidecar: { ...sidecar, otel } });
  const environment = (template: JsonObject): JsonObject[] =>
    (podOf(template)['initContainers'] as JsonObject[]).flatMap(({ env }) => env as JsonObject[]);

  it('is told to the sidecar, and of which pod its span is', () => {
    const added = environment(told).slice(-4);
    const fromPod = (fieldPath: string): JsonObject => ({ fieldRef: { apiVersion: 'v1', fieldPath } });
    expect(added).toEqual([
      { name: 'SLUICE_NAMESPACE', valueFrom: fromPod('metadata.namespace') },
      { name: 'SLUICE_POD_UID', valueFrom: fromPod('metadata.uid') },
      ...otel,
    ]);
  });

  it('starts no upgrade: it is taken out again', () => {
    expect(takeOut(told)).toEqual(liveTemplate());
    expect(takeOut(injected(liveTemplate()))).toEqual(liveTemplate());
  });

  it('is nothing where sidecars send no spans', () => {
    const none = environment(injected(liveTemplate(), { sidecar: { ...sidecar, otel: [] } }));
    expect(none).toEqual(environment(injected(liveTemplate())));
    expect(JSON.stringify(none)).not.toMatch(/OTEL_|SLUICE_POD_UID/);
  });
});

describe('taking out again', () => {
  it('gives back the template by value, whatever people put into it and the API server fills in', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const template = randomTemplate(seeded(seed));
      for (const isOwnSecret of [true, false]) {
        const live = defaulted(injected(template, { isOwnSecret }));
        expect(live).not.toEqual(template);
        expect(takeOut(live)).toEqual(template);
      }
    }
  });

  it('leaves a template alone that nothing was put into', () => {
    expect(takeOut(liveTemplate())).toEqual(liveTemplate());
  });

  it('does not guess when somebody has put a container in front of ours', () => {
    const live = injected(liveTemplate({ pod: { initContainers: [{ name: 'theirs', image: 'x' }] } }));
    (podOf(live)['initContainers'] as JsonObject[]).unshift({ name: 'mesh', image: 'mesh:1' });
    expect(takeOut(live)).toBeUndefined();
  });

  it('does not edit the template that it is given', () => {
    const template = liveTemplate();
    injected(template);
    expect(template).toEqual(liveTemplate());
  });
});

describe('what is put in', () => {
  it('puts the sidecar in front of the init containers of the user', () => {
    const template = injected(liveTemplate({ pod: { initContainers: [{ name: 'theirs', image: 'x' }] } }));
    const names = (podOf(template)['initContainers'] as JsonObject[]).map(({ name }) => name);
    expect(names).toEqual(['sluice', 'theirs']);
  });

  it('runs the exec hooks of the user behind ours', () => {
    const template = injected(
      liveTemplate({ emqx: { lifecycle: { preStop: { exec: { command: ['/bin/x', 'a b'] } } } } }),
    );
    expect(emqxOf(template)['lifecycle']).toEqual({
      preStop: {
        exec: { command: ['/sluice/bin/busybox', 'sh', '/sluice/bin/gate.sh', '--', '/bin/x', 'a b'] },
      },
      postStart: { exec: { command: ['/sluice/bin/busybox', 'sh', '/sluice/bin/started.sh'] } },
    });
  });

  it.each([
    { own: 30, grace: 3700 },
    { own: 86_400, grace: 86_400 },
  ])('gives $grace s of grace where the user has $own', ({ own, grace }) => {
    const template = injected(liveTemplate({ pod: { terminationGracePeriodSeconds: own } }));
    expect(podOf(template)['terminationGracePeriodSeconds']).toBe(grace);
  });

  it('gives restarts in place by a probe half a minute, and leaves a grace that the user chose', () => {
    const template = injected(
      liveTemplate({
        emqx: {
          livenessProbe: { periodSeconds: 1 },
          startupProbe: { terminationGracePeriodSeconds: 5 },
          readinessProbe: {},
        },
      }),
    );
    expect(emqxOf(template)).toMatchObject({
      livenessProbe: { periodSeconds: 1, terminationGracePeriodSeconds: 30 },
      startupProbe: { terminationGracePeriodSeconds: 5 },
      readinessProbe: {},
    });
    expect(emqxOf(template)['readinessProbe']).toEqual({});
  });

  it.each([
    { whose: 'our own', isOwnSecret: true, keys: ['key', 'secret', 'bootstrap'] },
    { whose: 'the one named', isOwnSecret: false, keys: ['key', 'secret'] },
  ])('names the keys that $whose Secret must have: the kubelet refuses one without', (row) => {
    const template = injected(liveTemplate(), { isOwnSecret: row.isOwnSecret, secretName: 'mine' });
    const items = row.keys.map((key) => ({ key, path: key }));
    expect(podOf(template)['volumes']).toContainEqual({
      name: 'sluice-api-key',
      secret: { secretName: 'mine', items, defaultMode: 0o644 },
    });
  });

  it.each<{ emqx: JsonObject; variable: string; value: string }>([
    ...['emqx/emqx-ee:4.4.19', 'r:5000/emqx-ee:v4.4.19@sha256:ab', 'emqx:e4.4.24-rc.1'].map((image) => ({
      emqx: { image },
      variable: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE',
      value: '/etc/sluice/api-key/bootstrap',
    })),
    {
      emqx: { image: 'mirror/emqx@sha256:ab', ports: [{ containerPort: 1883 }, { containerPort: 8081 }] },
      variable: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE',
      value: '/etc/sluice/api-key/bootstrap',
    },
    {
      emqx: { image: 'registry.corp/emqx:2026.11.21', ports: [{ containerPort: 8081 }] },
      variable: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE',
      value: '/etc/sluice/api-key/bootstrap',
    },
    ...[
      'emqx/emqx-enterprise:5.8.8',
      'r:4000/emqx',
      'emqx:latest',
      'emqx:6.0.0',
      'registry.corp/emqx:1.4.2',
      'registry.corp/emqx:v2.0',
    ].map((image) => ({
      emqx: { image },
      variable: 'EMQX_API_KEY__BOOTSTRAP_FILE',
      value: '"/etc/sluice/api-key/bootstrap"',
    })),
  ])('tells EMQX of the key in the way of its version: $emqx', ({ emqx, variable, value }) => {
    const env = emqxOf(injected(liveTemplate({ emqx })))['env'] as JsonObject[];
    expect(env.filter(({ name }) => typeof name === 'string' && name.includes('BOOTSTRAP'))).toEqual([
      { name: variable, value },
    ]);
  });

  it('mounts the key into EMQX only when the Secret is our own', () => {
    const env = { name: 'EMQX_API_KEY__BOOTSTRAP_FILE', value: '"/etc/sluice/api-key/bootstrap"' };
    expect(emqxOf(injected(liveTemplate()))['env']).toContainEqual(env);
    const named = emqxOf(injected(liveTemplate(), { isOwnSecret: false, secretName: 'mine' }));
    expect(named['env']).not.toContainEqual(env);
    expect(named['volumeMounts']).toEqual([{ name: 'sluice', mountPath: '/sluice' }]);
  });
});

describe("EMQX's container", () => {
  const two = (emqx: JsonObject, other: JsonObject): JsonObject => ({
    metadata: { labels: {} },
    spec: {
      containers: [
        { name: 'other', image: 'o', ...other },
        { name: 'emqx', image: 'e', ...emqx },
      ],
    },
  });

  it('is known by its ports', () => {
    const template = injected(
      two({ ports: [{ containerPort: 18083 }] }, { ports: [{ containerPort: 9090 }] }),
    );
    expect(emqxOf(template)['lifecycle']).toBeDefined();
  });

  it('is the one that the spec names', () => {
    const spec = { ...DEFAULT_SPEC, emqx: { ...DEFAULT_SPEC.emqx, container: 'emqx' } };
    expect(
      emqxOf(injected(two({}, { ports: [{ containerPort: 1883 }] }), { spec }))['lifecycle'],
    ).toBeDefined();
  });

  it.each([
    {
      when: 'it cannot be told',
      template: two({}, {}),
      container: '',
      says: 'set spec.emqx.container to one of: other, emqx',
    },
    {
      when: 'the named one is not there',
      template: two({}, {}),
      container: 'mqtt',
      says: 'spec.emqx.container is mqtt',
    },
  ])('is asked for when $when', ({ template, container, says }) => {
    const spec = { ...DEFAULT_SPEC, emqx: { ...DEFAULT_SPEC.emqx, container } };
    expect(refusal(template, { spec })).toContain(says);
  });
});

describe('refusals', () => {
  it.each([
    {
      when: 'a preStop hook is httpGet',
      emqx: { lifecycle: { preStop: { httpGet: { port: 1 } } } },
      says: 'kind httpGet',
    },
    {
      when: 'a preStop hook is sleep',
      emqx: { lifecycle: { preStop: { sleep: { seconds: 1 } } } },
      says: 'kind sleep',
    },
    {
      when: 'a postStart hook is tcpSocket',
      emqx: { lifecycle: { postStart: { tcpSocket: {} } } },
      says: 'postStart hook',
    },
    {
      when: 'our path is taken',
      emqx: { volumeMounts: [{ name: 'x', mountPath: '/sluice' }] },
      says: '/sluice',
    },
    {
      when: 'EMQX has a bootstrap file',
      emqx: { env: [{ name: 'EMQX_API_KEY__BOOTSTRAP_FILE', value: 'x' }] },
      says: 'spec.emqx.apiKeySecret.name',
    },
    {
      when: 'EMQX 4 has one',
      emqx: {
        image: 'emqx/emqx-ee:4.4.19',
        env: [{ name: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE', value: 'x' }],
      },
      says: 'spec.emqx.apiKeySecret.name',
    },
  ])('says what to change when $when', ({ emqx, says }) => {
    expect(refusal(liveTemplate({ emqx }))).toContain(says);
  });

  it('takes a bootstrap file of the user when the Secret is named', () => {
    const emqx = { env: [{ name: 'EMQX_API_KEY__BOOTSTRAP_FILE', value: 'x' }] };
    expect(refusal(liveTemplate({ emqx }), { isOwnSecret: false, secretName: 'mine' })).toBe('');
  });

  it('never injects twice', () => {
    expect(refusal(injected(liveTemplate()))).toContain('copied from a revision set');
  });
});
