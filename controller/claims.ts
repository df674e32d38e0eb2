import type { Claim } from './model.js';
import { whyNotReady } from './readiness.js';
import { isEmpty, type Situation } from './situation.js';
import { progress, type Verdict } from './verdict.js';

/**
 * The claims of a revision set go with its nodes: once it is neither active nor wanted, has come down to 0, and another one serves. Of
 * claims whose set is not there nothing is known, so they stay: a declaration that was deleted has left them for the next one.
 */
export function dropClaims(situation: Situation): Verdict | undefined {
  const { observed, active, wanted, others, wantedSize } = situation;
  if (!active || active !== wanted || wantedSize === 0) return undefined;
  if (whyNotReady(active, wantedSize, observed)) return undefined;
  const retired = others.find(
    (set) => set.kind === 'revisionSet' && isEmpty(set) && claimsOf(set.revision, situation).length > 0,
  );
  if (!retired) return undefined;
  const claims = claimsOf(retired.revision, situation).map(({ name }) => name);
  const because = `the nodes of ${retired.name} have left: ${claims.join(', ')} ${claims.length === 1 ? 'goes' : 'go'} with them`;
  return progress({ kind: 'deleteClaims', claims }, because);
}

/**
 * Which claims go with the declaration when that is deleted: garbage collection sees to it, by their owner. Those of the active set only if
 * `spec.claimsOnDelete` says so, else they are to stay, and that comes first. That a set is deleted alone takes no claim with it: the set
 * is made again on them.
 */
export function holdClaims(situation: Situation): Verdict | undefined {
  return keep(situation.activeRevision, situation);
}

/**
 * Those of another set always go with it, for the next declaration of the name must not start on what a green that never served has left.
 * Never decided beside a pass: that one may be about to switch to what is given away here.
 */
export function giveClaims(situation: Situation): Verdict | undefined {
  const { observed, activeRevision } = situation;
  const { claims, sets } = observed;
  // Of claims whose set is not there nothing is known.
  const mayGo = ({ revision }: Claim): boolean =>
    sets.some((set) => set.revision === revision) &&
    (!isRetained(situation) || (revision !== activeRevision && !isNext(revision, situation)));
  const going = claims.filter((claim) => !claim.owned && mayGo(claim)).map(({ name }) => name);
  if (going.length === 0) return undefined;
  const because = `${going.join(', ')} will go with StatefulSet ${observed.declaration.name}, should that be deleted`;
  return progress({ kind: 'ownClaims', claims: going, owned: true }, because);
}

/**
 * The claims of the wanted set are to stay from before its switch on: from that moment its nodes serve, and whoever would take the owner
 * off may die then.
 */
export function keepClaims(situation: Situation): Verdict | undefined {
  return keep(situation.wantedRevision, situation);
}

function keep(revision: string, situation: Situation): Verdict | undefined {
  if (!isRetained(situation)) return undefined;
  const held = claimsOf(revision, situation).filter(({ owned }) => owned);
  if (held.length === 0) return undefined;
  const names = held.map(({ name }) => name);
  const when = revision === situation.activeRevision ? 'serve' : 'are to serve now';
  const because = `${names.join(', ')} will outlive StatefulSet ${situation.observed.declaration.name}: the nodes that ${when} keep their data there`;
  return progress({ kind: 'ownClaims', claims: names, owned: false }, because);
}

function isRetained({ observed }: Situation): boolean {
  return observed.blueGreen.spec.claimsOnDelete === 'Retain';
}

/** A green that is whole may be switched to at any moment, or has been let go of for that: its claims are left as they are. */
function isNext(revision: string, { observed, wanted, wantedSize }: Situation): boolean {
  const isWanted = wanted !== undefined && wanted.revision === revision && wantedSize > 0;
  return isWanted && whyNotReady(wanted, wantedSize, observed) === undefined;
}

function claimsOf(revision: string, { observed }: Situation): Claim[] {
  return observed.claims.filter((claim) => claim.revision === revision);
}

/** That claims outlive the declaration is urgent; that they go with it is the pass's to say, which may be about to switch to their set. */
export function holdLastingClaims(situation: Situation): Verdict | undefined {
  const verdict = holdClaims(situation);
  return verdict?.step.kind === 'ownClaims' && verdict.step.owned ? undefined : verdict;
}
