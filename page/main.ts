import { BEAT_MS, type PageMessage } from '../lib/page/messages.js';
import { patch } from './dom.js';
import type { Node } from './h.js';
import { firstState, reduce, routeOf, type Action, type Route, type State } from './state.js';
import { pageOf, titleOf } from './view/page.js';

/** The shell: the stream in, the document out. All that is decided is decided in state.ts and view/. */

const root = document.getElementById('page');
if (!root) throw new Error('the page has no element #page');
const page = root;

/** Nothing was heard for so long: the connection is dead, though nobody has said so. */
const SILENCE_MS = 3 * BEAT_MS;
/** After a refusal: the browser does not try again by itself. */
const AGAIN_MS = 5_000;
const KINDS: readonly PageMessage['kind'][] = ['all', 'one', 'beat'];

let state: State = firstState(routeOf(location.hash), { nowMs: Date.now(), width: page.clientWidth });
let shown: Node[] = [];
let frame = 0;
let source: EventSource | undefined;
let mark = '';
let watchdog = 0;

function act(action: Action): void {
  state = reduce(state, action);
  frame ||= requestAnimationFrame(draw);
}

function draw(): void {
  frame = 0;
  const next = pageOf(state);
  patch(page, shown, next);
  shown = next;
  const title = titleOf(state);
  if (document.title !== title) document.title = title;
}

function open(): void {
  close();
  if (document.hidden) return;
  const query = new URLSearchParams(queryOf(state.route));
  if (mark) query.set('after', mark);
  const opened = new EventSource(`events?${query}`);
  source = opened;
  for (const kind of KINDS) opened.addEventListener(kind, (event) => heard(event as MessageEvent<string>));
  opened.onerror = () => {
    const isRefused = opened.readyState === EventSource.CLOSED;
    act({ kind: 'link', link: isRefused ? 'refused' : 'lost' });
    if (isRefused) again(AGAIN_MS);
  };
  again(SILENCE_MS);
}

function heard({ data, lastEventId }: MessageEvent<string>): void {
  mark = lastEventId;
  act({ kind: 'message', message: JSON.parse(data) as PageMessage, nowMs: Date.now() });
  again(SILENCE_MS);
}

/** Opens the stream anew after so long, unless something is heard. */
function again(afterMs: number): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    if (source?.readyState === EventSource.OPEN) act({ kind: 'link', link: 'lost' });
    open();
  }, afterMs);
}

function close(): void {
  clearTimeout(watchdog);
  source?.close();
  source = undefined;
}

function queryOf(route: Route): Record<string, string> {
  return route.kind === 'one' ? { namespace: route.namespace, name: route.name } : {};
}

addEventListener('hashchange', () => {
  mark = '';
  act({ kind: 'route', route: routeOf(location.hash) });
  draw();
  open();
  scrollTo(0, 0);
  // Who listens hears where he is; and the next Tab goes on from there.
  document.querySelector<HTMLElement>('h1')?.focus();
});
document.addEventListener('click', (event) => {
  if (!(event.target instanceof Element) || !event.target.closest('.skip')) return;
  // Its fragment would be taken for a route.
  event.preventDefault();
  document.querySelector('main')?.focus();
});
// What nobody sees costs nothing, and a browser opens only a few connections to one address.
document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
new ResizeObserver(() => act({ kind: 'width', width: page.clientWidth })).observe(page);
setInterval(() => {
  if (!document.hidden) act({ kind: 'tick', nowMs: Date.now() });
}, 1_000);
draw();
open();
