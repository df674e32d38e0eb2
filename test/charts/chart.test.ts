import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Json, JsonObject } from '../../lib/json.js';
import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import { CONTROL_PORT } from '../../lib/control.js';
import { readSettings as readController } from '../../controller/settings.js';
import { readSettings } from '../../webhook/settings.js';
import { SCALE_WEBHOOK } from '../../lib/scale-path.js';
import { WEBHOOK_NODE_OPTIONS } from '../bench/names.js';
import { at, find, findHelm, FIND_HELM_MS, listAt, ofKind, textAt, type Helm } from './render.js';

// A call of helm takes a second, and more on a busy machine.
jest.setTimeout(30_000);

let helm: Helm;
let objects: JsonObject[];
beforeAll(async () => {
  helm = await findHelm();
  objects = await helm.template('sluice');
}, FIND_HELM_MS);

const PROGRAMS = ['webhook', 'controller'];

/** The environment of a program's container, what the kubelet fills in given as is. */
function environmentOf(all: JsonObject[], program: string): Record<string, string> {
  const container = at(find(all, 'Deployment', `-${program}`), 'spec', 'template', 'spec', 'containers', 0);
  const downward: Record<string, string> = {
    'metadata.namespace': 'sluice-system',
    'metadata.name': 'pod-1',
  };
  return Object.fromEntries(
    listAt(container, 'env').map((entry) => [
      textAt(entry, 'name'),
      JSON.stringify(entry['valueFrom'] ?? '').includes('secretKeyRef')
        ? '(of a Secret)'
        : entry['value'] === undefined
          ? (downward[textAt(entry, 'valueFrom', 'fieldRef', 'fieldPath')] ?? '')
          : textAt(entry, 'value'),
    ]),
  );
}

describe('helm lint', () => {
  it.each<{ what: string; values: object }>([
    { what: 'the values as they come', values: {} },
    {
      what: 'every value changed',
      values: {
        fullnameOverride: 'x',
        image: { repository: 'r.example/sluice', tag: '1', pullPolicy: 'Always' },
        imagePullSecrets: [{ name: 'registry' }],
        logLevel: 'debug',
        blueGreenDefaults: { updateStrategy: { evacuationStrategy: { connEvictRate: 200 } } },
        webhook: {
          replicas: 3,
          port: 10250,
          failurePolicy: 'Fail',
          timeoutSeconds: 10,
          namespaceSelector: {},
        },
        controller: { replicas: 1, nodeSelector: { a: 'b' }, tolerations: [{ operator: 'Exists' }] },
        crds: { install: false },
        networkPolicy: { enabled: false },
      },
    },
  ])('likes $what', async ({ values }) => {
    expect(await helm.lint(values)).toContain('0 chart(s) failed');
  });

  it.each<{ field: string; values: object }>([
    { field: 'webhook/port', values: { webhook: { port: 0 } } },
    { field: 'webhook/replicas', values: { webhook: { replicas: 0 } } },
    { field: 'webhook/timeoutSeconds', values: { webhook: { timeoutSeconds: 2 } } },
    { field: 'webhook/failurePolicy', values: { webhook: { failurePolicy: 'ignore' } } },
    { field: 'logLevel', values: { logLevel: 'verbose' } },
    { field: 'metrics/port', values: { metrics: { port: 9442 } } },
    { field: 'otel/endpoint', values: { otel: { endpoint: 'collector:4318' } } },
    { field: 'otel/env', values: { otel: { env: { PATH: '/' } } } },
    { field: 'page/port', values: { page: { port: 8081 } } },
    { field: 'page/port and metrics/port', values: { page: { port: 9441 } } },
    { field: 'otel/sidecars', values: { otel: { sidecars: true } } },
    { field: 'imge', values: { imge: {} } },
    {
      field: 'connEvictRate',
      values: { blueGreenDefaults: { updateStrategy: { evacuationStrategy: { connEvictRate: 0 } } } },
    },
    { field: 'blueGreenDefaults/replicas', values: { blueGreenDefaults: { replicas: 3 } } },
  ])('refuses a wrong value and names $field', async ({ field, values }) => {
    const words = await helm.template('sluice', values).then(
      () => 'accepted',
      (error: Error) => error.message,
    );
    expect(words.replaceAll('.', '/')).toContain(field);
  });
});

describe('the pods', () => {
  it.each(PROGRAMS)('of the %s fit a namespace with Pod Security restricted', (program) => {
    const pod = at(find(objects, 'Deployment', `-${program}`), 'spec', 'template', 'spec');
    expect(at(pod, 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of listAt(pod, 'containers')) {
      expect(at(container, 'securityContext')).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(Object.keys(at(container, 'resources', 'requests') as JsonObject)).toEqual(['cpu', 'memory']);
    }
    expect(pod).not.toHaveProperty('volumes');
    expect(pod).not.toHaveProperty('hostNetwork');
  });

  it.each(PROGRAMS)('of the %s are two, spread, and not all taken at once', (program) => {
    const { spec } = find(objects, 'Deployment', `-${program}`) as { spec: JsonObject };
    expect(spec['replicas']).toBe(2);
    const labels = at(spec, 'selector', 'matchLabels');
    const spread = at(spec, 'template', 'spec', 'topologySpreadConstraints', 0);
    expect(spread).toMatchObject({
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: labels },
    });
    expect(at(spec, 'template', 'metadata', 'labels')).toMatchObject(labels as object);
    const budget = find(objects, 'PodDisruptionBudget', `-${program}`);
    expect(budget['spec']).toEqual({ maxUnavailable: 1, selector: { matchLabels: labels } });
  });

  it('of the webhook end only after they have left', async () => {
    const all = await helm.template('sluice', { webhook: { leaveSeconds: 60 } });
    const grace = at(
      find(all, 'Deployment', '-webhook'),
      'spec',
      'template',
      'spec',
      'terminationGracePeriodSeconds',
    );
    expect(grace).toBeGreaterThan(60);
    expect(readSettings(environmentOf(all, 'webhook')).leaveMs).toBe(60_000);
  });

  it.each(PROGRAMS)(
    'of the %s have metrics on a port of their own, open to those who may read them',
    async (program) => {
      const portsOf = (all: JsonObject[]): Json[] =>
        listAt(
          find(all, 'Deployment', `-${program}`),
          'spec',
          'template',
          'spec',
          'containers',
          0,
          'ports',
        ).map((port) => [port['name'] ?? '', port['containerPort'] ?? '']);
      const ingressOf = (all: JsonObject[]): Json =>
        at(find(all, 'NetworkPolicy', `-${program}`), 'spec', 'ingress');
      expect(portsOf(objects)).toContainEqual(['metrics', 9441]);
      expect(environmentOf(objects, program)['SLUICE_METRICS_PORT']).toBe('9441');
      expect(ingressOf(objects)).toContainEqual({ ports: [{ port: 'metrics' }] });
      const from = [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }];
      expect(
        ingressOf(await helm.template('sluice', { networkPolicy: { metricsFrom: from } })),
      ).toContainEqual({
        ports: [{ port: 'metrics' }],
        from,
      });
      const without = await helm.template('sluice', { metrics: { enabled: false } });
      expect(JSON.stringify([portsOf(without), ingressOf(without)])).not.toContain('metrics');
      expect(environmentOf(without, program)).not.toHaveProperty('SLUICE_METRICS_PORT');
    },
  );

  it.each(['controller', 'webhook'])('tell %s where traces go, and let it reach that', async (program) => {
    const otel = {
      endpoint: 'http://collector.observability:4318',
      headersSecret: { name: 'otel-headers' },
      resourceAttributes: { 'deployment.environment.name': 'prod & more' },
      env: { OTEL_TRACES_SAMPLER: 'always_on' },
    };
    const told = await helm.template('sluice', { otel });
    expect(environmentOf(told, program)).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: otel.endpoint,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod%20%26%20more',
      OTEL_TRACES_SAMPLER: 'always_on',
    });
    const container = listAt(
      find(told, 'Deployment', `-${program}`),
      'spec',
      'template',
      'spec',
      'containers',
    )[0];
    expect(listAt(container ?? {}, 'env')).toContainEqual({
      name: 'OTEL_EXPORTER_OTLP_HEADERS',
      valueFrom: { secretKeyRef: { name: 'otel-headers', key: 'headers' } },
    });
    const egress = (from: JsonObject[]): string =>
      JSON.stringify(at(find(from, 'NetworkPolicy', `-${program}`), 'spec', 'egress'));
    expect(egress(told)).toContain('{"port":4318},{"port":53,"protocol":"UDP"},{"port":53}');
    expect(
      egress(await helm.template('sluice', { otel: { endpoint: 'https://otlp.example.com/v1' } })),
    ).toContain('{"port":443},{"port":53');
  });

  describe('tell sidecars where traces go', () => {
    const endpoint = 'http://collector.observability:4318';
    const sidecars = { enabled: true, headersSecret: { name: 'otel-of-emqx' } };
    const told = async (otel: object): Promise<JsonObject[]> =>
      readController(environmentOf(await helm.template('sluice', { otel }), 'controller')).sidecar.otel;

    it('but no secret, and no file', async () => {
      const env = {
        OTEL_TRACES_SAMPLER: 'always_on',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=secret',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.crt',
        OTEL_EXPORTER_OTLP_CLIENT_KEY: '/tls.key',
      };
      const headersSecret = { name: 'otel-headers' };
      const resourceAttributes = { 'deployment.environment.name': 'prod & more' };
      expect(await told({ endpoint, sidecars, env, headersSecret, resourceAttributes })).toEqual([
        { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: endpoint },
        {
          name: 'OTEL_EXPORTER_OTLP_HEADERS',
          valueFrom: { secretKeyRef: { name: 'otel-of-emqx', key: 'headers', optional: true } },
        },
        { name: 'OTEL_RESOURCE_ATTRIBUTES', value: 'deployment.environment.name=prod%20%26%20more' },
        { name: 'OTEL_TRACES_SAMPLER', value: 'always_on' },
      ]);
    });

    it.each([
      { when: 'by default', otel: { endpoint } },
      { when: 'without an endpoint', otel: { sidecars } },
    ])('not $when', async ({ otel }) => {
      expect(await told(otel)).toEqual([]);
    });

    it.each<{ field: string; otel: object }>([
      { field: 'OTEL_EXPORTER_OTLP_ENDPOINT', otel: { endpoint: 'https://me:secret@otlp.example.com' } },
      {
        field: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
        otel: { endpoint, env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://me:secret@otlp.example.com' } },
      },
    ])('only where $field has no password in it', async ({ field, otel }) => {
      await expect(told({ ...otel, sidecars })).rejects.toThrow(`${field} must have no user and password`);
      expect(await told(otel)).toEqual([]);
    });
  });

  it('say nothing of traces without an endpoint', () => {
    expect(JSON.stringify(objects)).not.toContain('OTEL_');
    expect(JSON.stringify(ofKind(objects, 'NetworkPolicy'))).not.toContain('"port":53');
  });

  it('have network policies, unless these are switched off', async () => {
    const policy = at(find(objects, 'NetworkPolicy', '-controller'), 'spec', 'egress');
    expect(JSON.stringify(policy)).toContain(`"port":${CONTROL_PORT}`);
    expect(find(objects, 'NetworkPolicy', '-webhook')).toBeDefined();
    const without = await helm.template('sluice', { networkPolicy: { enabled: false } });
    expect(ofKind(without, 'NetworkPolicy')).toEqual([]);
  });
});

describe.each(['sluice', 'edge'])('in the release %s, names agree:', (release) => {
  let all: JsonObject[];
  beforeAll(async () => {
    all = await helm.template(release);
  });

  it('the webhook understands its environment, and the controller is its own user', () => {
    const settings = readSettings(environmentOf(all, 'webhook'));
    expect(settings.port).toBe(9443);
    const account = textAt(
      find(all, 'Deployment', '-controller'),
      'spec',
      'template',
      'spec',
      'serviceAccountName',
    );
    expect([...settings.ownUsers]).toEqual([`system:serviceaccount:sluice-system:${account}`]);
    expect(ofKind(all, 'ServiceAccount').map((object) => at(object, 'metadata', 'name'))).toContain(account);
  });

  it('the webhook runs with the options that it was measured with', () => {
    expect(environmentOf(all, 'webhook')['NODE_OPTIONS']).toBe(WEBHOOK_NODE_OPTIONS);
  });

  it('the Secrets that the programs name are those that they may touch', () => {
    const namesIn = (program: string, verbs: string[]): Json =>
      listAt(find(all, 'Role', `-${program}`), 'rules')
        .filter(
          (rule) =>
            JSON.stringify([rule['resources'], rule['verbs']]) === JSON.stringify([['secrets'], verbs]),
        )
        .map((rule) => rule['resourceNames'] ?? null);
    const { SLUICE_WEBHOOK_CA_SECRET, SLUICE_WEBHOOK_TLS_SECRET, SLUICE_CONTROL_SECRET } = environmentOf(
      all,
      'controller',
    );
    expect(namesIn('controller', ['get', 'update'])).toEqual([
      [SLUICE_WEBHOOK_CA_SECRET, SLUICE_WEBHOOK_TLS_SECRET, SLUICE_CONTROL_SECRET],
    ]);
    expect(environmentOf(all, 'webhook')['SLUICE_WEBHOOK_TLS_SECRET']).toBe(SLUICE_WEBHOOK_TLS_SECRET);
    expect(namesIn('webhook', ['get'])).toEqual([[SLUICE_WEBHOOK_TLS_SECRET]]);
  });

  it('the configuration leads to the Service, and the Service to the pods', () => {
    const environment = environmentOf(all, 'controller');
    const configuration = find(
      all,
      'MutatingWebhookConfiguration',
      environment['SLUICE_WEBHOOK_CONFIG'] ?? '?',
    );
    const service = find(all, 'Service', '-webhook');
    expect(at(service, 'metadata', 'name')).toBe(environment['SLUICE_WEBHOOK_SERVICE']);
    for (const webhook of listAt(configuration, 'webhooks')) {
      expect(at(webhook, 'clientConfig', 'service')).toEqual({
        name: environment['SLUICE_WEBHOOK_SERVICE'],
        namespace: 'sluice-system',
        // The controller adds the secret path of Scales; a path here would be put back by each upgrade.
        ...(webhook['name'] === SCALE_WEBHOOK ? {} : { path: '/mutate' }),
        port: at(service, 'spec', 'ports', 0, 'port'),
      });
    }
    const template = at(find(all, 'Deployment', '-webhook'), 'spec', 'template');
    expect(at(template, 'metadata', 'labels')).toMatchObject(at(service, 'spec', 'selector') as object);
    const names = listAt(template, 'spec', 'containers', 0, 'ports').map((port) => port['name']);
    expect(names).toContain(at(service, 'spec', 'ports', 0, 'targetPort'));
  });

  it('the controller gets the image that it is to inject', () => {
    const container = at(find(all, 'Deployment', '-controller'), 'spec', 'template', 'spec', 'containers', 0);
    const {
      SLUICE_IMAGE,
      SLUICE_SIDECAR_RESOURCES = '',
      SLUICE_BLUEGREEN_DEFAULTS = '',
    } = environmentOf(all, 'controller');
    expect(SLUICE_IMAGE).toBe(at(container, 'image'));
    expect(JSON.parse(SLUICE_SIDECAR_RESOURCES)).toMatchObject({ requests: { memory: '64Mi' } });
    expect(JSON.parse(SLUICE_BLUEGREEN_DEFAULTS)).toEqual({});
  });
});

it('moves the reviews to another port where the cluster demands it', async () => {
  const all = await helm.template('sluice', { webhook: { port: 10250 } });
  const ports = listAt(
    find(all, 'Deployment', '-webhook'),
    'spec',
    'template',
    'spec',
    'containers',
    0,
    'ports',
  );
  expect(ports).toContainEqual({ name: 'reviews', containerPort: 10250 });
  expect(readSettings(environmentOf(all, 'webhook')).port).toBe(10250);
});

describe('the rights', () => {
  interface Rule {
    apiGroups: string[];
    resources: string[];
    verbs: string[];
    resourceNames?: string[];
  }
  const rulesOf = (kind: string): Rule[] =>
    ofKind(objects, kind).flatMap((role) => listAt(role, 'rules') as unknown as Rule[]);

  it('name every verb, group and resource', () => {
    for (const rule of [...rulesOf('ClusterRole'), ...rulesOf('Role')]) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain('*');
    }
  });

  it('let nobody read or change Secrets across the cluster', () => {
    const rules = rulesOf('ClusterRole').filter(({ resources }) =>
      resources.some((name) => name.startsWith('secrets')),
    );
    expect(rules).toEqual([{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }]);
    const bound = ofKind(objects, 'ClusterRoleBinding').flatMap((binding) =>
      listAt(binding, 'subjects').map((subject) => textAt(subject, 'name')),
    );
    expect(bound.sort()).toEqual(['sluice-controller', 'sluice-uninstall', 'sluice-webhook']);
  });

  it('reach Secrets of the own namespace by name only', () => {
    const rules = rulesOf('Role').filter(({ resources }) => resources.includes('secrets'));
    expect(rules).toHaveLength(2);
    for (const { resourceNames = [] } of rules) expect(resourceNames.length).toBeGreaterThan(0);
    expect(ofKind(objects, 'Role').map((role) => at(role, 'metadata', 'namespace'))).toEqual([
      'sluice-system',
      'sluice-system',
    ]);
  });

  it('of people come with those that they have in a namespace', () => {
    const aggregated = (role: string): string[] =>
      Object.entries(at(find(objects, 'ClusterRole', role), 'metadata', 'labels') as JsonObject).flatMap(
        ([key, value]) =>
          value === 'true' ? [key.replace('rbac.authorization.k8s.io/aggregate-to-', '')] : [],
      );
    expect(aggregated('-view')).toEqual(['view', 'edit', 'admin']);
    expect(aggregated('-edit')).toEqual(['edit', 'admin']);
    const rules = (role: string): Rule[] =>
      listAt(find(objects, 'ClusterRole', role), 'rules') as unknown as Rule[];
    expect(rules('-view').flatMap(({ verbs }) => verbs)).toEqual(['get', 'list', 'watch']);
    for (const { apiGroups } of [...rules('-view'), ...rules('-edit')]) {
      expect(apiGroups).toEqual(['sluice.dev']);
    }
  });

  it('of the webhook are two: the size of a BlueGreen, and its own certificate', () => {
    expect(listAt(find(objects, 'ClusterRole', '-webhook'), 'rules')).toEqual([
      { apiGroups: ['sluice.dev'], resources: ['bluegreens'], verbs: ['patch'] },
    ]);
    expect(listAt(find(objects, 'Role', '-webhook'), 'rules')).toHaveLength(1);
  });

  it('of the controller are what its code calls, and no more', () => {
    const granted = (kind: string): string[] =>
      (listAt(find(objects, kind, '-controller'), 'rules') as unknown as Rule[]).flatMap(
        ({ apiGroups, resources, verbs }) =>
          apiGroups.flatMap((group) =>
            resources.map((name) => `${group === '' ? name : `${group}/${name}`}: ${verbs.join(' ')}`),
          ),
      );
    expect(granted('ClusterRole')).toEqual([
      'apps/statefulsets: get list watch create patch delete',
      'apps/statefulsets/finalizers: update',
      'apps/controllerrevisions: get list create patch delete',
      'pods: list watch patch',
      'persistentvolumeclaims: list patch delete',
      'services: get list watch patch',
      'discovery.k8s.io/endpointslices: list watch',
      'autoscaling/horizontalpodautoscalers: list',
      // list: the page shows those about a BlueGreen
      'events: create list',
      'namespaces: get',
      'namespaces/status: patch',
      'sluice.dev/bluegreens: get list watch create patch delete',
      'sluice.dev/bluegreens/status: patch',
      'secrets: create',
      'admissionregistration.k8s.io/mutatingwebhookconfigurations: get update',
    ]);
    expect(granted('Role')).toEqual([
      'coordination.k8s.io/leases: create',
      'coordination.k8s.io/leases: get update',
      'secrets: get update',
    ]);
  });

  it('of the controller end at its own webhook configuration, and at no pod of others by exec', () => {
    const rules = listAt(find(objects, 'ClusterRole', '-controller'), 'rules') as unknown as Rule[];
    const resources = rules.flatMap((rule) => rule.resources);
    for (const forbidden of [
      'pods/exec',
      'pods/ephemeralcontainers',
      'nodes',
      'serviceaccounts/token',
      'clusterroles',
    ]) {
      expect(resources).not.toContain(forbidden);
    }
    const webhooks = rules.find((rule) => rule.resources.includes('mutatingwebhookconfigurations'));
    expect(webhooks).toMatchObject({ resourceNames: ['sluice'], verbs: ['get', 'update'] });
  });
});

describe('the hook that refuses an uninstall', () => {
  const hooks = (): JsonObject[] => objects.filter((object) => annotationsOf(object)['helm.sh/hook']);
  const annotationsOf = (object: JsonObject): Record<string, string> =>
    (object['metadata'] as { annotations?: Record<string, string> }).annotations ?? {};
  const pod = (): Json => at(find(objects, 'Job', '-uninstall'), 'spec', 'template', 'spec');

  it('is there only while Sluice is uninstalled, its rights before its Job', () => {
    expect(hooks().map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Job',
    ]);
    for (const hook of hooks()) {
      expect(annotationsOf(hook)).toMatchObject({
        'helm.sh/hook': 'pre-delete',
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      });
      expect(annotationsOf(hook)['helm.sh/hook-weight']).toBe(hook['kind'] === 'Job' ? undefined : '-1');
    }
  });

  it('may list StatefulSets and Services, and nothing else', () => {
    expect(listAt(find(objects, 'ClusterRole', '-uninstall'), 'rules')).toEqual([
      { apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['list'] },
      { apiGroups: [''], resources: ['services'], verbs: ['list'] },
    ]);
    const name = at(find(objects, 'ServiceAccount', '-uninstall'), 'metadata', 'name');
    expect(at(pod(), 'serviceAccountName')).toBe(name);
    expect(listAt(find(objects, 'ClusterRoleBinding', '-uninstall'), 'subjects')).toEqual([
      { kind: 'ServiceAccount', name, namespace: 'sluice-system' },
    ]);
  });

  it('has its list printed by Helm, and is not tried again', () => {
    const job = find(objects, 'Job', '-uninstall');
    expect(annotationsOf(job)['helm.sh/hook-output-log-policy']).toBe('hook-failed');
    expect(job['spec']).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 120 });
    const environment = listAt(pod(), 'containers', 0, 'env');
    expect(environment).toEqual([
      { name: 'SLUICE_RELEASE', value: 'sluice' },
      { name: 'SLUICE_NAMESPACE', value: 'sluice-system' },
      { name: 'SLUICE_REVISION', value: '1' },
    ]);
  });

  it('fits a namespace with Pod Security restricted, and one in which nothing may connect', () => {
    expect(pod()).toMatchObject({
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(at(pod(), 'containers', 0, 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const policy = find(objects, 'NetworkPolicy', '-uninstall');
    const labels = at(find(objects, 'Job', '-uninstall'), 'spec', 'template', 'metadata', 'labels');
    expect(labels).toMatchObject(at(policy, 'spec', 'podSelector', 'matchLabels') as object);
    expect(at(policy, 'spec', 'egress')).toEqual([{ ports: [{ port: 443 }, { port: 6443 }] }]);
  });
});

describe('the webhook configuration', () => {
  const webhooks = (all = objects): JsonObject[] =>
    listAt(find(all, 'MutatingWebhookConfiguration', 'sluice'), 'webhooks');

  it('leaves the bundle to the controller', () => {
    for (const webhook of webhooks()) expect(at(webhook, 'clientConfig')).not.toHaveProperty('caBundle');
  });

  it('has side effects in no dry run, and time for the Scale rule', () => {
    for (const webhook of webhooks()) {
      expect(webhook).toMatchObject({
        sideEffects: 'NoneOnDryRun',
        reinvocationPolicy: 'IfNeeded',
        timeoutSeconds: 5,
      });
    }
  });

  it('keeps what Sluice itself writes away from the webhook', () => {
    for (const webhook of webhooks()) {
      expect(listAt(webhook, 'matchConditions')).toContainEqual({
        name: 'not-sluice',
        expression: "request.userInfo.username != 'system:serviceaccount:sluice-system:sluice-controller'",
      });
    }
  });

  it('fails closed on request, but never for a Scale', async () => {
    const policies = async (values: object): Promise<Record<string, Json>> =>
      Object.fromEntries(
        webhooks(await helm.template('sluice', values)).map((one) => [
          textAt(one, 'name'),
          at(one, 'failurePolicy'),
        ]),
      );
    expect(new Set(Object.values(await policies({})))).toEqual(new Set(['Ignore']));
    const { 'scale.sluice.dev': scale, ...others } = await policies({ webhook: { failurePolicy: 'Fail' } });
    expect(scale).toBe('Ignore');
    expect(new Set(Object.values(others))).toEqual(new Set(['Fail']));
  });

  type Labels = Record<string, string>;
  interface Selector {
    matchLabels?: Labels;
    matchExpressions?: { key: string; operator: string }[];
  }
  const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator }) => key in labels === (operator === 'Exists'));

  /** Names of the webhooks that an API server calls: resource and operation fit, and the old or the new labels. */
  function called(resource: string, operation: string, before: Labels, after: Labels): string[] {
    return webhooks()
      .filter((webhook) =>
        listAt(webhook, 'rules').some(
          (rule) =>
            (at(rule, 'resources') as Json[]).includes(resource) &&
            (at(rule, 'operations') as Json[]).includes(operation),
        ),
      )
      .filter(({ objectSelector }) => {
        if (objectSelector === undefined) return true;
        return [before, after].some((labels) => selects(objectSelector as unknown as Selector, labels));
      })
      .map((webhook) => textAt(webhook, 'name').replace('.sluice.dev', ''));
  }

  const upgrade = { [LABEL.upgrade]: BLUE_GREEN };
  const managed = { [LABEL.managed]: 'true' };
  it.each<{
    what: string;
    resource?: string;
    operation?: string;
    before?: Labels;
    after?: Labels;
    then: string[];
  }>([
    { what: 'creation of a declaration', operation: 'CREATE', after: upgrade, then: ['declarations'] },
    {
      what: 'an edit of a declaration',
      before: { ...upgrade, ...managed },
      after: { ...upgrade, ...managed },
      then: ['declarations'],
    },
    { what: 'labelling', after: upgrade, then: ['declarations'] },
    {
      what: 'unlabelling',
      before: { ...upgrade, ...managed },
      after: managed,
      then: ['declarations', 'managed'],
    },
    { what: 'loss of all labels', before: { ...upgrade, ...managed }, then: ['declarations'] },
    { what: 'an edit while handing back', before: managed, after: managed, then: ['managed'] },
    { what: 'loss of the last label while handing back', before: managed, then: ['managed'] },
    {
      what: 'creation of a revision set',
      operation: 'CREATE',
      after: { [LABEL.declaration]: 'emqx' },
      then: ['revision-sets'],
    },
    {
      what: 'an edit that hides a revision set',
      before: { [LABEL.declaration]: 'emqx' },
      then: ['revision-sets'],
    },
    { what: 'an edit of any other StatefulSet', before: { app: 'x' }, after: { app: 'y' }, then: [] },
    { what: 'a status', resource: 'statefulsets/status', before: upgrade, after: upgrade, then: [] },
    { what: 'a deletion', operation: 'DELETE', before: upgrade, then: [] },
    { what: 'a scale', resource: 'statefulsets/scale', then: ['scale'] },
    { what: 'an edit that unmanages a Service', resource: 'services', before: managed, then: ['services'] },
    { what: 'an edit of any other Service', resource: 'services', before: { app: 'x' }, then: [] },
  ])(
    'sends $what to $then',
    ({ resource = 'statefulsets', operation = 'UPDATE', before = {}, after = {}, then }) => {
      expect(called(resource, operation, before, after)).toEqual(then);
    },
  );

  it('leaves kube-system alone', () => {
    for (const webhook of webhooks()) {
      expect(at(webhook, 'namespaceSelector', 'matchExpressions', 0)).toEqual({
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: ['kube-system'],
      });
    }
  });
});
