import { isObject, sameJson, type Json, type JsonObject } from '../../lib/json.js';
import { BLUEGREEN } from '../../lib/names.js';
import type { BlueGreenStatus } from '../../lib/types.js';
import type { Kube } from '../kube/client.js';
import { isAlreadyExists, isConflict, isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { selectorOf, type View } from '../observe/observe.js';
import { objectAt, textAt } from '../../lib/fields.js';
import type { Decision } from '../model.js';
import { eventFor, happenings } from './events.js';
import type { IdleStatus } from './idle.js';
import { statusOf, type Trouble } from './status.js';
import type { After } from './upgrade.js';

/** What came of telling the status. */
export interface Published {
  /** As it should be. */
  status: BlueGreenStatus;
  /** The BlueGreen has it now; false where somebody else was faster, or there is none. */
  isStored: boolean;
  /** With the BlueGreen as it is now: what is written next in this pass is written on top of it. */
  view: View;
}

/**
 * Writes the status of a declaration's BlueGreen, when it has changed.
 * A conflict is left to the next pass: it will see what changed.
 */
export async function publishStatus(
  kube: Kube,
  {
    view,
    decision,
    trouble,
    ...told
  }: { view: View; decision: Decision; trouble: Trouble | undefined } & After,
  signal: AbortSignal,
): Promise<Published> {
  const { observed, raw } = view;
  const status = statusOf(observed, decision, {
    ...told,
    trouble,
    selector: selectorOf(raw.declaration),
  });
  if (!raw.blueGreen) return { status, isStored: false, view };
  const before = objectAt(raw.blueGreen, 'status');
  const after = asJson(status);
  if (sameJson(before, after)) return { status, isStored: true, view };
  const { namespace, name } = observed.declaration;
  const metadata = { resourceVersion: observed.blueGreen.resourceVersion };
  try {
    const blueGreen = await kube.mergePatch(
      PATH.blueGreens(namespace, name, 'status'),
      { metadata, status: replacing(before, after) },
      signal,
    );
    return { status, isStored: true, view: withBlueGreen(view, blueGreen) };
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    return { status, isStored: false, view };
  }
}

function withBlueGreen({ observed, raw }: View, written: JsonObject): View {
  const blueGreen = {
    ...observed.blueGreen,
    resourceVersion: textAt(written, 'metadata', 'resourceVersion'),
    status: objectAt(written, 'status'),
  };
  return { observed: { ...observed, blueGreen }, raw: { ...raw, blueGreen: written } };
}

/** Fields of an upgrade's record that the one before may have had. */
const ABSENT = { parentSpanId: null, requestedAt: null, switchedAt: null, resumedAt: null, traced: null };

/** What a merge patch must say so that `after` is all there is. */
export function replacing(before: JsonObject, after: JsonObject): JsonObject {
  const gone = Object.keys(before).filter((key) => after[key] === undefined);
  const { upgrade } = after;
  return {
    ...after,
    ...Object.fromEntries(gone.map((key) => [key, null])),
    ...(isObject(upgrade) && {
      upgrade: { ...ABSENT, ...upgrade },
    }),
  };
}

export function asJson(status: BlueGreenStatus | IdleStatus): JsonObject {
  return JSON.parse(JSON.stringify(status)) as { [key: string]: Json };
}

/** Names of events that this process has made already, so that a condition that lasts is not posted every second. */
export type Told = Set<string>;

/** What {@link Told} may hold before it starts afresh; the API server then says which are there already. */
const TOLD_LIMIT = 5_000;

/** Tells people what happened, as Events on the declaration and on its BlueGreen. Never fails a pass. */
export async function publishEvents(
  kube: Kube,
  {
    view,
    decision,
    trouble,
    told,
  }: { view: View; decision: Decision; trouble: Trouble | undefined; told: Told },
  signal: AbortSignal,
): Promise<void> {
  const { observed, raw } = view;
  const { namespace, name } = observed.declaration;
  const upgradeId = observed.blueGreen.status?.upgrade?.id ?? '';
  const about = [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace, name, uid: observed.declaration.uid },
    ...(raw.blueGreen
      ? [
          {
            apiVersion: `${BLUEGREEN.group}/${BLUEGREEN.version}`,
            kind: BLUEGREEN.kind,
            namespace,
            name,
            uid: textAt(raw.blueGreen, 'metadata', 'uid'),
          },
        ]
      : []),
  ];
  if (told.size > TOLD_LIMIT) told.clear();
  const events = happenings(observed, decision, trouble)
    .flatMap((happening) =>
      about.map((one) => eventFor(happening, one, { nowMs: observed.nowMs, upgradeId })),
    )
    .filter((event) => !told.has(`${namespace}/${textAt(event, 'metadata', 'name')}`));
  for (const event of events) {
    try {
      await kube.create(PATH.events(namespace), event, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) return; // a terminating namespace takes none, and no upgrade waits for words
    }
    told.add(`${namespace}/${textAt(event, 'metadata', 'name')}`);
  }
}
