import type { Picture } from '../../lib/page/messages.js';
import { evictionsOf } from '../../lib/page/samples.js';
import { duration } from '../../lib/times.js';
import { counted } from '../../lib/words.js';
import { h, type Element } from '../h.js';
import type { State } from '../state.js';
import { clock, grouped, moment } from './words.js';

/** A sample older than this says nothing about now. */
const FRESH_MS = 5_000;

/** The figures that one looks for first. Pure. */
export function figuresOf(state: State, picture: Picture): Element {
  const { nodes, remaining, upgrade, pods, pace } = picture;
  const clients = pods.reduce((sum, pod) => sum + pod.clients, 0);
  const took = upgrade ? duration((state.nowMs - upgrade.startedAtMs) / 1000) : undefined;
  return h(
    'dl',
    { class: 'figures' },
    upgrade
      ? figure(
          'Clients left',
          grouped(remaining?.clients ?? 0),
          remaining ? `on ${counted(remaining.nodes, 'node')} to leave` : 'nobody is to move',
        )
      : figure('Clients', grouped(clients), `on ${counted(pods.length, 'node')}`),
    upgrade && figure('Time left', ...timeLeft(state, picture)),
    upgrade &&
      figure('Evicted', `${grouped(perSecondNow(state))}/s`, `of ${grouped(pace.connEvictRate)}/s at most`),
    figure('Nodes ready', nodes || '–', picture.active),
    took !== undefined &&
      figure(
        'Began',
        took,
        h('span', {}, 'ago, ', moment(upgrade?.startedAtMs ?? 0, `${clock(upgrade?.startedAtMs ?? 0)} UTC`)),
      ),
    !upgrade &&
      figure(
        'Pace',
        `${grouped(pace.connEvictRate)}/s`,
        `clients; ${pace.waitTakeoverSeconds}s to come back`,
      ),
  );
}

function figure(name: string, value: string, under: string | Element): Element {
  return h(
    'div',
    {},
    h('dt', {}, name),
    h('dd', {}, h('strong', {}, value), h('span', { class: 'under' }, under)),
  );
}

/** By rates and waits alone; it counts down from when the picture was told, whatever else is heard meanwhile. */
function timeLeft({ nowMs, one }: State, { remaining }: Picture): [string, string | Element] {
  if (!remaining) return ['–', 'nobody is to move'];
  const passed = remaining.from === 'now' && one ? (nowMs - one.atMs) / 1000 : 0;
  const seconds = Math.max(0, remaining.seconds - passed);
  const value = `~ ${duration(seconds)}`;
  switch (remaining.from) {
    case 'now':
      return [
        value,
        h('span', {}, 'until ', moment(nowMs + seconds * 1000, `${clock(nowMs + seconds * 1000)} UTC`)),
      ];
    case 'switch':
      return [value, 'from the switch on'];
    case 'resume':
      return [value, 'once it is resumed'];
  }
}

function perSecondNow({ samples, nowMs }: State): number {
  const last = evictionsOf(samples).at(-1);
  return last && nowMs - last.atMs < FRESH_MS ? last.perSecond : 0;
}
