import { emqxContainer, objectsOf } from '../lib/emqx-container.js';
import { parseVersion, versionOfImage, versionText, type Version } from '../lib/emqx/version.js';
import { whyNotInjectable } from '../lib/injectable.js';
import type { JsonObject } from '../lib/json.js';
import type { Hindrance } from './hindrance.js';
import type { NodeSet, Pod } from './model.js';
import { isEmpty, isNodeOf, isOwnRevision, reportsOf, stayingPods, type Situation } from './situation.js';
import { whyUnlisted } from '../lib/emqx/pairs.js';

/**
 * What is known before green starts to keep it from being made, or from sharing a cluster with those that are in it: a template that no gate
 * can be put into; versions that EMQX does not list together, from the tags of the images and from what nodes say; names under which they
 * could not find each other. A green that has pods shares it already.
 */
export function whyNotStart(situation: Situation): Hindrance | undefined {
  return whyNotMade(situation) ?? misfitOf(situation)?.hindrance;
}

/** Why no set can be made of the wanted revision. One that there is was made once, and the declaration's own pods get no gate. */
export function whyNotMade({
  observed,
  active,
  wanted,
  activeRevision,
  wantedRevision,
  wantedSize,
}: Situation): Hindrance | undefined {
  const isToBeMade = active && !wanted && activeRevision !== wantedRevision && wantedSize > 0;
  if (!isToBeMade || isOwnRevision(wantedRevision, observed)) return undefined;
  const { declaration, blueGreen } = observed;
  const { emqx: settings } = blueGreen.spec;
  const emqx = emqxContainer(declaration.template, settings);
  const isOwnSecret = settings.apiKeySecret.name === '';
  const refusal =
    'refused' in emqx ? emqx.refused : whyNotInjectable(declaration.template, emqx, { isOwnSecret });
  return refusal === undefined ? undefined : { message: refusal, stalled: 'Refused' };
}

/**
 * The situation in which the next step is taken. A revision that may join what is active, but not what is still being left, waits for its
 * turn: the upgrade in progress ends first.
 * @returns later: what follows then and why it waits, in words
 */
export function inTurn(situation: Situation): { situation: Situation; later?: string } {
  const { observed, active, activeRevision, activeName, wantedName } = situation;
  const misfit = misfitOf(situation);
  // What was deleted is about to stop, and cannot be gone on with.
  if (!misfit || !active || misfit.set === active || active.kind === 'lost') return { situation };
  const others = observed.sets.filter((set) => set !== active);
  return {
    situation: {
      ...situation,
      wanted: active,
      wantedRevision: activeRevision,
      wantedName: activeName,
      others,
    },
    later: `${wantedName} follows when ${misfit.set.name} has gone: ${misfit.hindrance.message}`,
  };
}

/** The first set that green could not share a cluster with. */
function misfitOf(situation: Situation): { set: NodeSet; hindrance: Hindrance } | undefined {
  const { observed, active, wanted, activeRevision, wantedRevision, wantedSize, wantedName } = situation;
  if (activeRevision === wantedRevision || wantedSize === 0 || !active || (wanted && !isEmpty(wanted)))
    return undefined;
  const template = wanted?.template ?? observed.declaration.template;
  const to = versionOfTemplate(template, situation);
  const name = nameIn(template, situation);
  for (const set of [active, ...observed.sets.filter((each) => each !== active)]) {
    if (!hasRun(set, observed.sets)) continue;
    const theirs = nameIn(set.template, situation);
    const hindrance =
      (to && unlisted(versionsOf(set, situation), to, wantedName, situation)) ??
      (name !== undefined && theirs !== undefined && name !== theirs ? otherNames(name, theirs) : undefined);
    if (hindrance) return { set, hindrance };
  }
  return undefined;
}

/**
 * The same once green runs, from what its own nodes say, where its image's tag told no version. A set that is older than the active one
 * has shared a cluster with it.
 */
export function whyNotShare(situation: Situation, green: NodeSet): Hindrance | undefined {
  const { observed, active } = situation;
  if (!active || green.createdAtMs < active.createdAtMs) return undefined;
  const members = observed.sets.filter((set) => set !== green && hasRun(set, observed.sets));
  const isApart = green.pods.some(({ report }) => report?.api.kind === 'ok' && !report.joined);
  const own = commonName(green, observed.sets);
  const spoken = versionOfTemplate(green.template, situation) ? [] : reportedVersions(green, situation);
  for (const set of members) {
    for (const to of spoken) {
      const hindrance = unlisted(versionsOf(set, situation), to, green.name, situation);
      if (hindrance) return hindrance;
    }
    const theirs = commonName(set, observed.sets);
    if (isApart && own !== undefined && theirs !== undefined && own !== theirs)
      return otherNames(own, theirs);
  }
  return undefined;
}

/** Whether a node of it has been in the EMQX cluster, as far as can be seen. What never was cannot keep its own repair from starting. */
export function hasRun(set: NodeSet, sets: NodeSet[]): boolean {
  const listed = reportsOf(sets)
    .filter(({ joined }) => joined)
    .flatMap(({ nodes }) => nodes);
  return set.pods.some(
    (pod) => pod.ready || pod.report?.joined === true || listed.some(({ node }) => isNodeOf(pod, node)),
  );
}

function unlisted(
  blue: Version[],
  to: Version,
  name: string,
  { observed }: Situation,
): Hindrance | undefined {
  if (observed.blueGreen.spec.allowUnlistedVersions) return undefined;
  for (const from of blue) {
    const why = whyUnlisted(from, to);
    if (why === undefined) continue;
    return {
      message: `${name} has EMQX ${versionText(to)}, which is not known to share a cluster safely with ${versionText(from)}: ${why}; set spec.allowUnlistedVersions to go on all the same, or edit the image again`,
      stalled: 'VersionsNotListed',
    };
  }
  return undefined;
}

function otherNames(own: string, theirs: string): Hindrance {
  return {
    message: `nodes named ${own}@… do not find those named ${theirs}@…: keep the part before the @ (EMQX_NODE__NAME, EMQX_NODE_NAME or EMQX_NAME in EMQX's environment) as it was`,
    stalled: 'NodeNamesDiffer',
  };
}

/** By the word of its nodes, else by its image's tag. */
function versionsOf(set: NodeSet, situation: Situation): Version[] {
  const reported = reportedVersions(set, situation);
  if (reported.length > 0) return reported;
  const tagged = versionOfTemplate(set.template, situation);
  return tagged ? [tagged] : [];
}

function reportedVersions(set: NodeSet, { observed }: Situation): Version[] {
  const texts = reportsOf(observed.sets)
    .flatMap(({ nodes }) => nodes)
    .filter(({ node }) => set.pods.some((pod) => isNodeOf(pod, node)))
    .flatMap(({ version }) => version ?? []);
  return [...new Set(texts)].sort().flatMap((text) => parseVersion(text) ?? []);
}

function versionOfTemplate(template: JsonObject, { observed }: Situation): Version | undefined {
  const emqx = emqxContainer(template, observed.blueGreen.spec.emqx);
  if ('refused' in emqx || typeof emqx.raw['image'] !== 'string') return undefined;
  return versionOfImage(emqx.raw['image']);
}

/** The part before the @ of a template's nodes, where its environment says so in plain words. */
function nameIn(template: JsonObject, { observed }: Situation): string | undefined {
  const emqx = emqxContainer(template, observed.blueGreen.spec.emqx);
  if ('refused' in emqx) return undefined;
  // In the order in which EMQX's image goes by them.
  const value = ['EMQX_NODE_NAME', 'EMQX_NODE__NAME', 'EMQX_NAME']
    .flatMap((name) => objectsOf(emqx.raw['env']).filter((variable) => variable['name'] === name))
    .map((variable) => variable['value'])[0];
  const name = typeof value === 'string' ? value.split('@')[0] : undefined;
  return name === undefined || name === '' || name.includes('$(') ? undefined : name;
}

/** The part before the @ that all of a set's nodes have; undefined where they differ, as those of EMQX 4 may. */
function commonName(set: NodeSet, sets: NodeSet[]): string | undefined {
  const nodes = stayingPods(set).flatMap((pod) => nodeNameOf(pod, sets) ?? []);
  const names = new Set(nodes.map((node) => node.split('@')[0]));
  return names.size === 1 ? [...names][0] : undefined;
}

function nodeNameOf(pod: Pod, sets: NodeSet[]): string | undefined {
  const listed = reportsOf(sets).flatMap(({ nodes }) => nodes);
  return pod.report?.self ?? listed.find(({ node }) => isNodeOf(pod, node))?.node;
}
