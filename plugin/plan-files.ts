import { dryRun, subjectsIn, type Subject } from './dry-run.js';
import { Failure } from './failure.js';
import type { Kube } from './kube.js';
import { span, type Line } from './paint.js';
import { planLines } from './plan-words.js';
import { planOf, type Plan } from './plan.js';
import { readViews } from './read.js';
import type { Asking } from './request.js';
import { isDeclaration, type View } from './view.js';

/**
 * What applying files would do to each declaration that they speak of, as data and in words.
 * @throws Failure when they speak of none, or with kubectl's own words when they cannot be applied
 */
export async function planEach(
  kube: Kube,
  { files, place, serverSide }: Extract<Asking, { kind: 'plan' }>,
): Promise<{ data: unknown; lines: Line[] }> {
  const all = subjectsIn(await dryRun(files, { place, serverSide }));
  const known = new Map<string, View>();
  for (const namespace of new Set(all.map((subject) => subject.namespace))) {
    for (const view of await readViews(kube, { namespace })) known.set(`${namespace}/${view.name}`, view);
  }
  const plans = all.flatMap((subject) => {
    const { name, namespace, statefulSet, blueGreen } = subject;
    const view = known.get(`${namespace}/${name}`);
    // One that is under Sluice, and in the file is not, is handed back.
    if (!view && !blueGreen && !(statefulSet && isDeclaration(statefulSet))) return [];
    return [{ subject, ...(view && { plan: planOf(view, subject) }) }];
  });
  if (plans.length === 0)
    throw new Failure(
      'the files hold no StatefulSet under Sluice and no BlueGreen; kubectl sluice lint tells more',
    );
  return {
    data: plans.map(({ subject: { name, namespace }, plan }) => plan ?? { name, namespace, effect: 'new' }),
    lines: plans.flatMap(inWords),
  };
}

function inWords({ subject: { name, statefulSet }, plan }: { subject: Subject; plan?: Plan }): Line[] {
  if (plan) return planLines(plan);
  const words = statefulSet
    ? 'comes under Sluice: its nodes start, or go on as they are'
    : 'steers a StatefulSet that is to come';
  return [[span(`${statefulSet ? 'statefulset' : 'bluegreen'}/${name}: `, 'strong'), span(words, 'good')]];
}
