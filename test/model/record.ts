import { MOST_STEPS, type BlueGreenStatus, type UpgradeStatus, type UpgradeStep } from '../../lib/types.js';

type Records = Pick<BlueGreenStatus, 'history'> & { upgrade?: UpgradeStatus };

/** What is wrong with the records of upgrades after one more look, in words; undefined when nothing is. */
export function whyRecordsBreak(before: Records | undefined, after: Records): string | undefined {
  const { upgrade, history } = after;
  const [last] = history;
  const hasClosed = before?.upgrade !== undefined && last?.startedAt === before.upgrade.startedAt;
  const open = upgrade && whyBreaks(upgrade, MOST_STEPS.running);
  const closed = hasClosed ? (whyBreaks(last, MOST_STEPS.ended) ?? whyOpen(last)) : undefined;
  const next = hasClosed ? last : upgrade;
  const previous = before?.upgrade?.startedAt === next?.startedAt ? before?.upgrade : undefined;
  return open ?? closed ?? (previous && next && whyRewritten(previous, next));
}

function whyBreaks({ startedAt, requestedAt, steps = [] }: UpgradeStatus, most: number): string | undefined {
  const phases = steps.filter(({ pod }) => pod === undefined);
  if (phases[0]?.startedAt !== (requestedAt ?? startedAt))
    return `the record begins with ${JSON.stringify(phases[0])}, the upgrade at ${startedAt}`;
  for (const [index, phase] of phases.entries()) {
    const next = phases[index + 1];
    if (next && phase.endedAt !== next.startedAt)
      return `there is a gap between ${JSON.stringify(phase)} and ${JSON.stringify(next)}`;
  }
  const backwards = steps.find((step) => step.endedAt !== undefined && step.endedAt < step.startedAt);
  if (backwards) return `${JSON.stringify(backwards)} ends before it begins`;
  const early = steps.find((step) => step.startedAt < (requestedAt ?? startedAt));
  if (early) return `${JSON.stringify(early)} begins before its upgrade`;
  const keys = steps.map(keyOf);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) return `a step is recorded twice: ${twice}`;
  const counts = Map.groupBy(steps, ({ name }) => name);
  const many = [...counts].find(([, same]) => same.length > most);
  return many && `${many[1].length} steps are called ${many[0]}`;
}

function whyOpen({ steps = [] }: UpgradeStatus): string | undefined {
  const open = steps.find(({ endedAt }) => endedAt === undefined);
  return open && `${JSON.stringify(open)} is open in a record that has ended`;
}

/** What has ended stays as it was told. */
function whyRewritten(before: UpgradeStatus, after: UpgradeStatus): string | undefined {
  const now = new Map((after.steps ?? []).map((step) => [keyOf(step), JSON.stringify(step)]));
  const changed = (before.steps ?? []).find((step) => {
    const text = now.get(keyOf(step));
    return step.endedAt !== undefined && text !== undefined && text !== JSON.stringify(step);
  });
  return changed && `${JSON.stringify(changed)} was told otherwise later: ${now.get(keyOf(changed))}`;
}

function keyOf({ name, pod = '', uid = '', startedAt }: UpgradeStep): string {
  return [name, pod, uid, startedAt].join(' ');
}
