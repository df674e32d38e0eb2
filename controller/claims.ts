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

/** What becomes of claims when their set is deleted, and so when the declaration is: Kubernetes itself sees to that. */
export function holdClaimPolicy({ observed }: Situation): Verdict | undefined {
  const { sets, declaration, blueGreen } = observed;
  const { claimsOnDelete } = blueGreen.spec;
  const other = sets.find(
    (set) => set.kind === 'revisionSet' && (set.claimsOnDelete ?? 'Retain') !== claimsOnDelete,
  );
  if (!declaration.hasClaims || !other) return undefined;
  return progress(
    { kind: 'setClaimPolicy', set: other.name, whenDeleted: claimsOnDelete },
    `the claims of ${other.name} ${claimsOnDelete === 'Delete' ? 'go when it is deleted' : 'outlive it'}, as spec.claimsOnDelete says`,
  );
}

function claimsOf(revision: string, { observed }: Situation): Claim[] {
  return observed.claims.filter((claim) => claim.revision === revision);
}
