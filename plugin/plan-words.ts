import { counted } from '../lib/words.js';
import { brief, type Change } from './difference.js';
import { span, type Line } from './paint.js';
import type { Plan } from './plan.js';
import { duration } from '../lib/times.js';

/** A plan in words. Pure. */
export function planLines(plan: Plan): Line[] {
  const { name, effect, changes, settings, nodes, extraPods, mostPods, parts, seconds, notes, to } = plan;
  const goal =
    effect === 'handBack'
      ? `pods of statefulset/${name} itself`
      : to === undefined
        ? 'a new set'
        : `${to}, which is kept`;
  const indented = (text: string): Line => [span(`  ${text}`)];
  const change = ({ path, from, to: after }: Change): Line => [
    span(`  ${path}: `),
    span(brief(from), 'bad'),
    span(' → '),
    span(brief(after), 'good'),
  ];
  return [
    [span(`statefulset/${name}: `, 'strong'), effectWords(plan)],
    ...changes.map((one) => change({ ...one, path: `spec.template.${one.path}` })),
    ...(settings.length > 0 ? [[span(`bluegreen/${name}: settings that hold at once`, 'strong')]] : []),
    ...settings.map((one) => change({ ...one, path: `spec.${one.path}` })),
    ...(nodes.from === nodes.to
      ? []
      : [indented(`size: ${nodes.from} → ${counted(nodes.to, 'node')}; the size alone starts no upgrade`)]),
    ...(extraPods > 0
      ? [
          indented(`goes to: ${goal}`),
          indented(`pods: ${extraPods} more while it lasts, ${mostPods} at most`),
          indented(`time: about ${duration(seconds)}`),
          ...parts.map((part) => indented(`  ${duration(part.seconds).padStart(6)}  ${part.what}`)),
        ]
      : []),
    ...notes.map((note): Line => [span('  note: ', 'busy'), span(note)]),
  ];
}

function effectWords({ effect, nodes }: Plan): Line[number] {
  switch (effect) {
    case 'nothing':
      return span(
        nodes.from === nodes.to ? 'no upgrade: the pod template stays as it is' : 'no upgrade',
        'good',
      );
    case 'finish':
      return span('no further upgrade: the one in progress goes there already', 'good');
    case 'back':
      return span('the upgrade in progress is given up: this template serves now', 'busy');
    case 'handBack':
      return span('handed back: Sluice lets go of it when its clients are on pods of its own', 'busy');
    case 'upgrade':
      return span('a blue-green upgrade', 'busy');
  }
}
