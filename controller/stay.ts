import { isGrowing } from './grow.js';
import type { NodeSet } from './model.js';
import { notListed } from './readiness.js';
import { joinerOf, stoppingOf, type Situation } from './situation.js';
import type { Verdict } from './verdict.js';

/**
 * A join is over some 10 s after its node has started; the rest is for an image that is pulled. No more than the grace period has beside
 * the drain, so that EMQX can stop in order afterwards.
 */
const STAY_SECONDS = 60;

/**
 * A pod on its way out is told to stay, drained or not, while one of what is or becomes active joins: that one may have chosen its node,
 * and would stay apart for good if it stopped now. An evacuation from outside needs no word: the plan takes nothing down meanwhile.
 */
export function stay(situation: Situation): Verdict | undefined {
  const { sets, blueGreen } = situation.observed;
  const staySeconds = staySecondsIn(situation);
  const pod = sets
    .flatMap(({ pods }) => pods)
    .find(({ terminating, report }) => {
      const told = report?.settings.staySeconds;
      return terminating && told !== undefined && told !== staySeconds;
    });
  if (!pod?.report) return undefined;
  const until =
    staySeconds > 0
      ? `stays for up to ${staySeconds} s once it is drained, while others join`
      : 'stops once it is drained: nobody joins any more';
  return {
    step: { kind: 'tell', pods: [pod.name], settings: { ...pod.report.settings, staySeconds } },
    phase: blueGreen.status?.phase ?? 'Progressing',
    message: `${pod.name} ${until}`,
  };
}

/** As told to any pod now: before a pod that is to join is made, or it would have chosen its partner before anybody was told. */
export function staySecondsIn(situation: Situation): number {
  const { observed, active, wanted, wantedSize } = situation;
  const due = [active, wanted].flatMap((set) => set ?? []);
  // One that waits for what is active does not come while a pod stays whose successor that is to be.
  const isMade = (set: NodeSet): boolean => set === active || set.size >= wantedSize;
  const isShortOfPods = isGrowing(situation) || due.some((set) => isMade(set) && isShort(set, situation));
  // What is drained already goes first, and they come after it (`grow.ts`).
  const isToCome = isShortOfPods && !stoppingOf(situation);
  // Without a sidecar a pod is Ready before its node has joined.
  const isReadyEarly = due.some((set) => notListed(set, observed.sets));
  return isToCome || isReadyEarly || joinerOf(situation) ? STAY_SECONDS : 0;
}

/** That a pod is to be made; one that is on its way out still has its name, and its successor must not be waited for by it. */
function isShort({ pods }: NodeSet, { wantedSize }: Situation): boolean {
  return pods.filter(({ ordinal }) => ordinal < wantedSize).length < wantedSize;
}
