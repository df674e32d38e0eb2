/** Every key that Sluice writes on or reads from a Kubernetes object. All are under `sluice.dev/`. */

const PREFIX = 'sluice.dev/';

/** Whether a label's or annotation's key is Sluice's. */
export function isOwnKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

export const LABEL = {
  /** On the declaration; the one value that means anything is {@link BLUE_GREEN}. */
  upgrade: `${PREFIX}upgrade`,
  /** On revision sets, their pods and managed Services' selectors: the revision's hash. */
  revision: `${PREFIX}revision`,
  /**
   * On managed Services and declarations: `true`, so that the webhook can select them. On a BlueGreen: `true`, Sluice made it; its
   * owner alone would not tell, which the garbage collector takes away where a declaration goes without what it owns.
   */
  managed: `${PREFIX}managed`,
  /** On revision sets: the declaration's name. */
  declaration: `${PREFIX}declaration`,
} as const;

export const ANNOTATION = {
  /** Declaration: the size that the user wants. BlueGreen: the declared size last carried. */
  replicas: `${PREFIX}replicas`,
  /** Declaration: the `spec.replicas` that Sluice last left there (absent: 0); any other value got past the webhook. */
  heldReplicas: `${PREFIX}held-replicas`,
  /** Declaration: forecast of the wanted revision's hash. */
  revision: `${PREFIX}revision`,
  /** Declaration: user name of whoever asked for the present template. */
  requestedBy: `${PREFIX}requested-by`,
  /** Declaration: W3C trace context of the admission review that asked for the present template. */
  traceparent: `${PREFIX}traceparent`,
  /** Declaration: span id (16 hex digits) of who asked, where the request came in a trace that is recorded. */
  parentSpan: `${PREFIX}parent-span`,
  /** Declaration: RFC 3339 time of that review. */
  requestedAt: `${PREFIX}requested-at`,
  /** Declaration: JSON of the user's own `spec.updateStrategy`, restored at hand-back. */
  updateStrategy: `${PREFIX}update-strategy`,
  /** Declaration: JSON `{"revision","replacing","because"}` of an aborted upgrade. */
  aborted: `${PREFIX}aborted`,
  /** Declaration: JSON `{"pod","uid","wanted","heldAt","retriedAt"?}` of a drain that took too long, under `onDrainTimeout: Hold`. */
  drainHeld: `${PREFIX}drain-held`,
  /** Pod without a sidecar: `asked` before EMQX is asked to evacuate its node; then the RFC 3339 time at which that was accepted. */
  evacuatedSince: `${PREFIX}evacuated-since`,
  /** Pod without a sidecar: RFC 3339 time since when its node holds nobody, though EMQX goes on to evict durable sessions. */
  emptySince: `${PREFIX}empty-since`,
  /**
   * Pod of a declaration that is handed back: `true` before its label goes. Whoever pins a Service again takes it away first, so that a
   * write that was to take the label away, and is late, is refused: it was planned from another version of the pod.
   */
  handedBack: `${PREFIX}handed-back`,
  /** Revision set's pod template: the RFC 6902 patch that takes out again what Sluice added. */
  injected: `${PREFIX}injected`,
  /**
   * Revision set: the hash of the template that it was asked for with; once it was seen as it came back, the JSON patch from that (what
   * Sluice added taken out) to the template asked for: `[]` where nobody has changed anything.
   */
  madeFrom: `${PREFIX}made-from`,
  /** Declaration or BlueGreen, set by people: the revision meant. */
  promote: `${PREFIX}promote`,
  abort: `${PREFIX}abort`,
  retry: `${PREFIX}retry`,
} as const;

/** Value of {@link LABEL.upgrade} that puts a StatefulSet under Sluice. */
export const BLUE_GREEN = 'blue-green';

/** `spec.updateStrategy.rollingUpdate.partition` that freezes every pod of a declaration: the largest int32. */
export const FROZEN_PARTITION = 2147483647;

/** The BlueGreen resource. */
export const BLUEGREEN = {
  group: 'sluice.dev',
  version: 'v1alpha1',
  plural: 'bluegreens',
  kind: 'BlueGreen',
} as const;

/** Names that the programs' writes have in `metadata.managedFields`. */
export const FIELD_MANAGER = { controller: 'sluice-controller', webhook: 'sluice-webhook' } as const;

/** Longest StatefulSet name: its pods' `controller-revision-hash` label is `<name>-<10 characters>`, at most 63. */
export const MAX_SET_NAME = 52;

/** Name of the Secret with the API key that Sluice makes for a declaration's EMQX. */
export function keySecretName(declaration: string): string {
  return `${declaration}-sluice-api-key`;
}
