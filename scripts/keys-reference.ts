import { ANNOTATION, FIELD_MANAGER, LABEL } from '../lib/names.js';

export const KEYS_REFERENCE = 'docs/keys.md';

interface Key {
  /** On which objects. */
  on: string;
  /** What it may be, and what it means. */
  says: string;
}

/** What people write. */
const YOURS: Partial<Record<Name, Key>> = {
  upgrade: {
    on: 'your StatefulSet',
    says: '`blue-green` puts it under Sluice; taken away, it is handed back. Any other value changes nothing and is warned about',
  },
  promote: {
    on: 'BlueGreen or your StatefulSet',
    says: "the revision to switch to, or its StatefulSet's name, where `spec.promotion.auto` is false",
  },
  abort: { on: 'BlueGreen or your StatefulSet', says: "the revision to give up, or its StatefulSet's name" },
  retry: {
    on: 'BlueGreen or your StatefulSet',
    says: 'the aborted revision to try again; or the wanted one, where a drain is held (`onDrainTimeout: Hold`)',
  },
};

/** Labels that Sluice writes. */
const LABELS: Partial<Record<Name, Key>> = {
  revision: {
    on: 'revision sets, their pods and claims; selectors of your Services; pods of an adopted StatefulSet',
    says: "the revision's hash, 9 characters",
  },
  managed: {
    on: 'your StatefulSet, your Services, a BlueGreen that Sluice made',
    says: '`true`: Sluice holds something there, or made it',
  },
  declaration: { on: 'revision sets', says: "your StatefulSet's name" },
};

/** Annotations that Sluice writes: what the cluster could not show again. */
const NOTES: Partial<Record<Name, Key>> = {
  replicas: {
    on: 'your StatefulSet; BlueGreen',
    says: 'the size that was asked for last; on the BlueGreen, the one that was carried there last',
  },
  heldReplicas: {
    on: 'your StatefulSet',
    says: 'the `spec.replicas` that Sluice left there, where that is not 0',
  },
  revision: {
    on: 'your StatefulSet',
    says: 'the hash that its present template is expected to get; `status.wanted` of the BlueGreen decides',
  },
  requestedBy: { on: 'your StatefulSet', says: 'the user who asked for the present template' },
  requestedAt: { on: 'your StatefulSet', says: 'when, RFC 3339' },
  traceparent: { on: 'your StatefulSet', says: "the upgrade's trace, W3C trace context" },
  parentSpan: {
    on: 'your StatefulSet',
    says: 'the span of the request that asked, 16 hex digits, where somebody records it',
  },
  updateStrategy: {
    on: 'your StatefulSet',
    says: 'your own `spec.updateStrategy`, as JSON; it is put back when the StatefulSet is handed back',
  },
  aborted: {
    on: 'your StatefulSet',
    says: 'the revision that was refused, the one it was to replace, and why, as JSON',
  },
  drainHeld: {
    on: 'your StatefulSet',
    says: 'the pod whose drain took too long under `onDrainTimeout: Hold`, as JSON',
  },
  evacuatedSince: {
    on: 'pods of an adopted StatefulSet',
    says: '`asked`, then when EMQX began to evacuate the node, RFC 3339',
  },
  emptySince: {
    on: 'pods of an adopted StatefulSet',
    says: 'since when the node holds nobody, though EMQX goes on to count durable sessions, RFC 3339',
  },
  handedBack: {
    on: 'pods of a StatefulSet that is handed back',
    says: '`true`: its label `sluice.dev/revision` is about to go',
  },
  injected: {
    on: 'pod template of revision sets',
    says: 'the JSON patch (RFC 6902) that takes out again what Sluice has added to your template',
  },
  madeFrom: {
    on: 'revision sets',
    says: 'the hash of the template that it was asked for with; then the JSON patch (RFC 6902) that takes out again what a policy of the cluster changed when it was created',
  },
};

type Name = keyof typeof LABEL | keyof typeof ANNOTATION;

const HEAD = `# Labels and annotations

Every key that Sluice reads or writes begins with \`sluice.dev/\`. A hand-back takes all of them off your objects.
`;

const TAIL = `What you do to Sluice's own labels is put back, by the webhook or the controller. Sluice's writes have the names \`${FIELD_MANAGER.controller}\` and \`${FIELD_MANAGER.webhook}\` in \`metadata.managedFields\`, but own none of your fields there.
`;

/** The text of docs/keys.md, not laid out yet. Pure. */
export function keysReference(): string {
  const label = (name: string): string | undefined => own(LABEL, name);
  const annotation = (name: string): string | undefined => own(ANNOTATION, name);
  return [
    HEAD.trimEnd(),
    '## What you write',
    table(YOURS, (name) =>
      name in ANNOTATION ? `annotation \`${annotation(name)}\`` : `label \`${label(name)}\``,
    ),
    '## Labels that Sluice writes',
    table(LABELS, (name) => `\`${label(name)}\``),
    '## Annotations that Sluice writes',
    table(NOTES, (name) => `\`${annotation(name)}\``),
    TAIL.trimEnd(),
  ].join('\n\n');
}

/** The keys that the page tells of, each as often as it has a meaning of its own. */
export function toldKeys(): string[] {
  const of = (rows: object, keys: object): string[] =>
    Object.keys(rows).flatMap((name) => own(keys, name) ?? []);
  return [...of(YOURS, LABEL), ...of(YOURS, ANNOTATION), ...of(LABELS, LABEL), ...of(NOTES, ANNOTATION)];
}

function own(keys: object, name: string): string | undefined {
  return (keys as Record<string, string | undefined>)[name];
}

function table(rows: Partial<Record<Name, Key>>, shown: (name: string) => string): string {
  const lines = Object.entries(rows).map(([name, { on, says }]) => `| ${shown(name)} | ${on} | ${says} |`);
  return ['| key | on | what it says |', '| --- | --- | --- |', ...lines].join('\n');
}
