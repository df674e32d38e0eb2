import type { Phase } from '../lib/types.js';
import { abort } from './abort.js';
import { dropClaims, giveClaims, holdClaims, holdLastingClaims } from './claims.js';
import { delayLeftMs } from './delay.js';
import { discard } from './discard.js';
import { grow, sustain } from './grow.js';
import { handBack } from './handBack.js';
import { hold } from './held.js';
import { letUp, release } from './hold.js';
import { leave } from './leave.js';
import type { Decision, Observed, Step } from './model.js';
import { inTurn } from './pairing.js';
import { pause } from './pause.js';
import { pin, unpin } from './pin.js';
import { closePreview, preview } from './preview.js';
import { prune } from './prune.js';
import { remake } from './remake.js';
import { reopen } from './reopen.js';
import { rest } from './rest.js';
import { restore } from './restore.js';
import { retire, tellingOf } from './retire.js';
import { shrink } from './shrink.js';
import { isEmpty, lostWords, situationOf, type Situation } from './situation.js';
import { stay } from './stay.js';
import { switchOver } from './switchOver.js';
import { consume } from './triggers.js';
import { firstOf, type Rule, type Verdict } from './verdict.js';

/** In order: the first rule that has something to say decides the pass. These can do with Kubernetes objects alone. */
const FIRST_RULES: Rule[] = [hold, restore, holdClaims, handBack, pin, unpin, preview];
/** And these at what sidecars say, too. */
const LATER_RULES: Rule[] = [
  pause,
  abort,
  letUp,
  consume,
  reopen,
  remake,
  discard,
  leave,
  sustain,
  grow,
  shrink,
  switchOver,
  retire,
  release,
  dropClaims,
  prune,
];
const RULES: Rule[] = [...FIRST_RULES, giveClaims, stay, tell, ...LATER_RULES];

/**
 * Chooses the next step from what was just observed. Pure: no client, clock, log or environment; nothing is remembered between
 * passes that the cluster could not tell again.
 */
export function plan(observed: Observed): Decision {
  const { situation, later } = inTurn(situationOf(observed));
  return decided(situation, firstOf(RULES, situation) ?? rest(situation), later);
}

/** What puts back what an edit took away, and so must not wait for a sidecar. */
const URGENT: ReadonlySet<Step['kind']> = new Set([
  'holdDeclaration',
  'carrySize',
  'relabelPod',
  'ownClaims',
  'labelPods',
  'pointServices',
  'pointPreview',
]);

/**
 * The same from Kubernetes objects alone, as far as something is urgent: a Service that selects every revision is pinned again though no
 * sidecar answers. Undefined: there is nothing, or nothing that could be decided without them.
 */
export function planUrgent(observed: Observed): Decision | undefined {
  const { situation, later } = inTurn(situationOf(observed));
  const rules = FIRST_RULES.map((rule) =>
    rule === holdClaims ? holdLastingClaims : rule === preview ? closePreview : rule,
  );
  const verdict = firstOf(rules, situation);
  return verdict && URGENT.has(verdict.step.kind) ? decided(situation, verdict, later) : undefined;
}

function decided(situation: Situation, said: Verdict, later: string | undefined): Decision {
  const { observed, activeName, wantedName, activeRevision, wantedRevision, wantedSize } = situation;
  let verdict = said;
  for (const beside of [lostWords(observed, wantedName), later])
    if (beside !== undefined) verdict = { ...verdict, message: `${verdict.message}; ${beside}` };
  const phase =
    verdict.phase === 'Progressing' ? (phaseAfterSwitch(situation) ?? 'Progressing') : verdict.phase;
  return {
    // At size 0 nothing of an upgrade can be done, so none is open: it begins when there are nodes again.
    settled:
      ['rest', 'letGo'].includes(verdict.step.kind) &&
      (activeRevision === wantedRevision || wantedSize === 0),
    ...verdict,
    phase,
    active: activeName,
    wanted: wantedName,
    activeRevision,
    wantedRevision,
    wantedSize,
  };
}

/** What is done while sets are being left belongs to that, whatever it is. */
function phaseAfterSwitch(situation: Situation): Phase | undefined {
  const { observed, active, wanted, others } = situation;
  const isLeaving = active !== undefined && active === wanted && others.some((set) => !isEmpty(set));
  if (!isLeaving) return undefined;
  const { upgrade } = observed.blueGreen.status ?? {};
  return upgrade && delayLeftMs(situation) > 0 ? 'Delaying' : 'Draining';
}

/**
 * What sidecars are to know of a drain reaches them whatever else is waited for, for anybody may end a pod at any time. It takes nobody
 * anywhere, and so changes nothing of what the pass would have said.
 */
function tell(situation: Situation): Verdict | undefined {
  const told = tellingOf(situation);
  return told && { ...(firstOf(LATER_RULES, situation) ?? rest(situation)), ...told };
}
