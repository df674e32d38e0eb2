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
 * `spec.claimsOnDelete` says so; those of another set always, for the next declaration of the name must not start on what a green that
 * never served has left. What is to stay comes first. That a set is deleted alone takes no claim with it: the set is made again on them.
 */
export function holdClaims({ observed, activeRevision }: Situation): Verdict | undefined {
  const { claims, sets, blueGreen } = observed;
  const mayGo = ({ revision }: Claim): boolean =>
    revision !== activeRevision || blueGreen.spec.claimsOnDelete === 'Delete';
  const held = claims.filter((claim) => claim.owned && !mayGo(claim)).map(({ name }) => name);
  if (held.length > 0) {
    const because = `${held.join(', ')} will outlive the declaration: the nodes that serve keep their data there`;
    return progress({ kind: 'ownClaims', claims: held, owned: false }, because);
  }
  // Of claims whose set is not there nothing is known.
  const isKnown = ({ revision }: Claim): boolean => sets.some((set) => set.revision === revision);
  const going = claims
    .filter((claim) => !claim.owned && mayGo(claim) && isKnown(claim))
    .map(({ name }) => name);
  if (going.length === 0) return undefined;
  const because = `${going.join(', ')} will go with the declaration, should that be deleted`;
  return progress({ kind: 'ownClaims', claims: going, owned: true }, because);
}

function claimsOf(revision: string, { observed }: Situation): Claim[] {
  return observed.claims.filter((claim) => claim.revision === revision);
}
