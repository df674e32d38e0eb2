import { notListed } from './readiness.js';
import { joinerOf, type Situation } from './situation.js';
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

/** As told to any pod now. */
export function staySecondsIn(situation: Situation): number {
  const { observed, active, wanted } = situation;
  // Without a sidecar a pod is Ready before its node has joined.
  const isReadyEarly = [active, wanted].some((set) => set && notListed(set, observed.sets));
  return isReadyEarly || joinerOf(situation) ? STAY_SECONDS : 0;
}
