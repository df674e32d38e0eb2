import { specOf } from '../lib/blue-green-spec.js';
import { emqxContainer, type Container } from '../lib/emqx-container.js';
import { at, labelOf, nameOf, numberAt, objectAt, objectsAt, textAt } from '../lib/fields.js';
import { counted } from '../lib/words.js';
import { whyNotTogether } from './pair.js';
import { span, type Line } from './paint.js';
import { graceSecondsOf } from '../lib/grace.js';
import { whyNotInjectable } from '../lib/injectable.js';
import { isObject, type JsonObject } from '../lib/json.js';
import { ANNOTATION, BLUE_GREEN, BLUEGREEN, LABEL } from '../lib/names.js';
import type { BlueGreenSpec } from '../lib/types.js';

export interface Finding {
  /** An error keeps an upgrade from happening, or loses clients; a warning is what people do not expect. */
  severity: 'error' | 'warning';
  /** Where the files are of several namespaces; empty: the one that they are applied to. */
  namespace?: string;
  /** `statefulset/emqx` */
  object: string;
  /** `spec.template.spec.containers[emqx].readinessProbe` */
  field: string;
  message: string;
}

/** One declaration with what the files say of it. */
interface Subject {
  name: string;
  raw: JsonObject;
  template: JsonObject;
  spec: BlueGreenSpec;
  emqx?: Container;
  /** Image or version that runs now, where that was told. */
  from?: string;
  /** All objects of the files that are of its namespace. */
  all: readonly JsonObject[];
}

type Found = Omit<Finding, 'object'>;
type Rule = (subject: Subject) => Found[];

const RULES: readonly Rule[] = [
  container,
  injectable,
  readiness,
  image,
  versionPair,
  discovery,
  gracePeriod,
  updateStrategy,
  replicas,
  headlessService,
  clientServices,
  foreignSelector,
];

/**
 * What Sluice refuses in these objects, or does not do as one might think. Pure, and without a cluster.
 * @param options from: image or version that runs now, if that is known
 */
export function lint(
  objects: readonly JsonObject[],
  { from }: { from?: string | undefined } = {},
): Finding[] {
  const groups = byNamespace(objects);
  const found = [...groups].flatMap(([namespace, own]) =>
    lintTogether(own, from).map((one) => (groups.size > 1 ? { ...one, namespace } : one)),
  );
  return objects.some(isLabelled) ? found : [...found, nothingLabelled];
}

/** Nothing refers to objects of another namespace. Those without one go where the others go, if these agree. */
function byNamespace(objects: readonly JsonObject[]): Map<string, JsonObject[]> {
  const namespaceOf = (one: JsonObject): string => textAt(one, 'metadata', 'namespace');
  const named = new Set(objects.map(namespaceOf).filter(Boolean));
  const [first = ''] = named.size === 1 ? named : [];
  const groups = new Map<string, JsonObject[]>();
  for (const one of objects) {
    const namespace = namespaceOf(one) || first;
    groups.set(namespace, [...(groups.get(namespace) ?? []), one]);
  }
  return groups;
}

function isLabelled(one: JsonObject): boolean {
  return one['kind'] === 'StatefulSet' && labelOf(one, LABEL.upgrade) !== undefined;
}

/** Of the objects of one namespace. */
function lintTogether(objects: readonly JsonObject[], from: string | undefined): Finding[] {
  const labelled = objects.filter(isLabelled);
  const declarations = labelled.filter((one) => labelOf(one, LABEL.upgrade) === BLUE_GREEN);
  return [
    ...labelled.filter((one) => !declarations.includes(one)).map(unknownLabel),
    ...declarations.flatMap((raw) => inspect(raw, objects, from)),
    ...objects.filter(({ kind }) => kind === BLUEGREEN.kind).flatMap((one) => blueGreen(one, declarations)),
    ...objects
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .flatMap((one) => autoscaler(one, declarations)),
  ];
}

const nothingLabelled: Finding = {
  severity: 'warning',
  object: 'files',
  field: `metadata.labels["${LABEL.upgrade}"]`,
  message: `no StatefulSet carries ${LABEL.upgrade}: ${BLUE_GREEN}, so Sluice has nothing to do with these files`,
};

function inspect(raw: JsonObject, all: readonly JsonObject[], from: string | undefined): Finding[] {
  const name = nameOf(raw);
  const template = objectAt(raw, 'spec', 'template');
  const own = all.find((one) => one['kind'] === BLUEGREEN.kind && nameOf(one) === name);
  const spec = specOf(objectAt(own, 'spec'));
  const found = emqxContainer(template, spec.emqx);
  const subject: Subject = {
    name,
    raw,
    template,
    spec,
    all,
    ...('refused' in found ? {} : { emqx: found }),
    ...(from !== undefined && { from }),
  };
  return RULES.flatMap((rule) => rule(subject)).map((one) => ({ object: `statefulset/${name}`, ...one }));
}

function unknownLabel(raw: JsonObject): Finding {
  return {
    severity: 'error',
    object: `statefulset/${nameOf(raw)}`,
    field: `metadata.labels["${LABEL.upgrade}"]`,
    message: `"${labelOf(raw, LABEL.upgrade) ?? ''}" changes nothing: the one value is ${BLUE_GREEN}`,
  };
}

function container({ template, spec }: Subject): Found[] {
  const found = emqxContainer(template, spec.emqx);
  return 'refused' in found ? [error('spec.template.spec.containers', found.refused)] : [];
}

function injectable({ template, spec, emqx }: Subject): Found[] {
  const isOwnSecret = spec.emqx.apiKeySecret.name === '';
  const why = emqx && whyNotInjectable(template, emqx, { isOwnSecret });
  return why === undefined ? [] : [error('spec.template', why)];
}

function readiness({ emqx }: Subject): Found[] {
  if (!emqx || isObject(emqx.raw['readinessProbe'])) return [];
  return [
    warning(
      `${pathOf(emqx)}.readinessProbe`,
      'missing: clients are sent to a node before EMQX can take them; add httpGet /status on the dashboard port',
    ),
  ];
}

function image({ emqx }: Subject): Found[] {
  if (!emqx) return [];
  const text = textAt(emqx.raw, 'image');
  const isPinned = text.includes('@') || /:[^/]+$/.test(text);
  if (isPinned && !text.endsWith(':latest')) return [];
  return [
    warning(
      `${pathOf(emqx)}.image`,
      `"${text}" is no fixed version: a new image of that name starts no upgrade, and nodes of two versions meet unseen`,
    ),
  ];
}

function versionPair({ emqx, from, spec }: Subject): Found[] {
  if (!emqx || from === undefined || spec.allowUnlistedVersions) return [];
  const why = whyNotTogether(from, textAt(emqx.raw, 'image'));
  if (why === undefined) return [];
  return [
    error(
      `${pathOf(emqx)}.image`,
      `${why}; spec.allowUnlistedVersions of the BlueGreen goes on all the same`,
    ),
  ];
}

/** Ways to find other nodes that know only those that they were told of. */
const CLOSED = new Set(['manual', 'static', 'singleton']);

function discovery({ emqx }: Subject): Found[] {
  const variables = emqx ? objectsAt(emqx.raw, 'env') : [];
  const strategy = variables.find(({ name }) => name === 'EMQX_CLUSTER__DISCOVERY_STRATEGY');
  const value = textAt(strategy, 'value');
  if (!emqx || !CLOSED.has(value)) return [];
  return [
    error(
      `${pathOf(emqx)}.env[EMQX_CLUSTER__DISCOVERY_STRATEGY]`,
      `"${value}": green nodes cannot find blue ones, so no upgrade can switch; use dns (record type srv) or k8s`,
    ),
  ];
}

function gracePeriod({ template, spec }: Subject): Found[] {
  const seconds = numberAt(template, ['spec', 'terminationGracePeriodSeconds'], -1);
  const needed = graceSecondsOf(spec);
  if (seconds < 0 || seconds >= needed) return [];
  return [
    warning(
      'spec.template.spec.terminationGracePeriodSeconds',
      `${seconds} is raised to ${needed} in the pods: a drain may need drainTimeoutSeconds + noRecipientSeconds, and EMQX its own stop`,
    ),
  ];
}

function updateStrategy({ raw }: Subject): Found[] {
  const type = textAt(raw, 'spec', 'updateStrategy', 'type');
  if (type !== 'OnDelete') return [];
  return [
    warning(
      'spec.updateStrategy.type',
      'OnDelete has no effect: Sluice holds RollingUpdate with a partition that rolls no pod, and every change of the template upgrades at once; spec.promotion.auto: false of the BlueGreen waits for you',
    ),
  ];
}

function replicas({ raw, name }: Subject): Found[] {
  if (at(raw, 'spec', 'replicas') !== 0) return [];
  return [
    warning(
      'spec.replicas',
      `0 cannot be told from the 0 that Sluice holds, and scales nothing: kubectl scale statefulset ${name} --replicas=0 does`,
    ),
  ];
}

function headlessService({ raw, all }: Subject): Found[] {
  const named = textAt(raw, 'spec', 'serviceName');
  const service = all.find((one) => one['kind'] === 'Service' && nameOf(one) === named);
  if (!service) return [];
  const field = (path: string): string => `spec.serviceName → service/${named}: ${path}`;
  return [
    ...(textAt(service, 'spec', 'clusterIP') === 'None'
      ? []
      : [error(field('spec.clusterIP'), 'must be None, or nodes have no names of their own')]),
    ...(at(service, 'spec', 'publishNotReadyAddresses') === true
      ? []
      : [
          error(
            field('spec.publishNotReadyAddresses'),
            'must be true: a green node is ready only after it has joined, and must be found before',
          ),
        ]),
  ];
}

function clientServices({ raw, template, spec, all }: Subject): Found[] {
  const services = all.filter(({ kind }) => kind === 'Service');
  const labels = objectAt(template, 'metadata', 'labels');
  const isOurs = (service: JsonObject): boolean => {
    if (spec.services.length > 0) return spec.services.includes(nameOf(service));
    if (nameOf(service) === spec.promotion.previewService) return false;
    const pairs = Object.entries(objectAt(service, 'spec', 'selector')).filter(
      ([key]) => key !== LABEL.revision,
    );
    const isHeadless = textAt(service, 'spec', 'clusterIP') === 'None';
    return !isHeadless && pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value);
  };
  if (services.length === 0 || services.some(isOurs)) return [];
  const name = nameOf(raw);
  return [
    warning(
      'spec.template.metadata.labels',
      `no Service of these files selects the pods of ${name}: without one to switch no upgrade happens`,
    ),
  ];
}

function foreignSelector({ all, template }: Subject): Found[] {
  const labels = objectAt(template, 'metadata', 'labels');
  const own =
    LABEL.revision in labels
      ? [error('spec.template.metadata.labels', `${LABEL.revision} is Sluice's own key: take it out`)]
      : [];
  const written = all.filter(
    (one) => one['kind'] === 'Service' && at(one, 'spec', 'selector', LABEL.revision) !== undefined,
  );
  return [
    ...own,
    ...written.map((one) =>
      warning(
        `service/${nameOf(one)}: spec.selector["${LABEL.revision}"]`,
        'is kept by Sluice, and the value in a file would be an old one: take it out',
      ),
    ),
  ];
}

function blueGreen(raw: JsonObject, declarations: readonly JsonObject[]): Finding[] {
  const object = `bluegreen/${nameOf(raw)}`;
  const wait = at(raw, 'spec', 'updateStrategy', 'evacuationStrategy', 'waitTakeover');
  const found: Found[] = [];
  if (declarations.length > 0 && !declarations.some((one) => nameOf(one) === nameOf(raw))) {
    const names = declarations.map(nameOf).join(', ');
    found.push(
      warning(
        'metadata.name',
        `no StatefulSet of these files has this name (there is ${names}): it steers nothing`,
      ),
    );
  }
  if (wait === 0) {
    found.push(
      warning(
        'spec.updateStrategy.evacuationStrategy.waitTakeover',
        "0 moves sessions before clients are back: some are disconnected twice; choose more than the clients' longest back-off",
      ),
    );
  }
  const triggers = [ANNOTATION.promote, ANNOTATION.abort, ANNOTATION.retry];
  for (const key of triggers.filter((one) => at(raw, 'metadata', 'annotations', one) !== undefined)) {
    found.push(
      warning(
        `metadata.annotations["${key}"]`,
        'asks once, for one upgrade: in a file it asks again with each apply',
      ),
    );
  }
  return found.map((one) => ({ object, ...one }));
}

function autoscaler(raw: JsonObject, declarations: readonly JsonObject[]): Finding[] {
  const target = objectAt(raw, 'spec', 'scaleTargetRef');
  const isOurs = declarations.some(
    (one) => target['kind'] === 'StatefulSet' && target['name'] === nameOf(one),
  );
  if (!isOurs) return [];
  return [
    {
      object: `horizontalpodautoscaler/${nameOf(raw)}`,
      ...error(
        'spec.scaleTargetRef',
        `finds 0 replicas in the StatefulSet and stops: target ${BLUEGREEN.group}/${BLUEGREEN.version} ${BLUEGREEN.kind} ${textAt(target, 'name')}`,
      ),
    },
  ];
}

function pathOf({ name }: Container): string {
  return `spec.template.spec.containers[${name}]`;
}

function error(field: string, message: string): Found {
  return { severity: 'error', field, message };
}

function warning(field: string, message: string): Found {
  return { severity: 'warning', field, message };
}

/** Findings in words, a line each, and their sum. Pure. */
export function findingLines(findings: readonly Finding[]): Line[] {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return [
    ...findings.map(({ severity, namespace, object, field, message }): Line => [
      span(severity === 'error' ? '✖ error   ' : '⚠ warning ', severity === 'error' ? 'bad' : 'busy'),
      span(`${[namespace, object].filter(Boolean).join('/')} `, 'strong'),
      span(`${field}: `),
      span(message),
    ]),
    [span(`${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}`)],
  ];
}
