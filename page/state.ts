import type { EventPicture, Origin, PageMessage, Picture, Summary } from '../lib/page/messages.js';
import { withSamples, type Sample } from '../lib/page/samples.js';

/** What is looked at: the list, or one BlueGreen. */
export type Route = { kind: 'all' } | { kind: 'one'; namespace: string; name: string };

/** How the stream of messages does. */
export type Link = 'connecting' | 'live' | 'lost' | 'refused';

export interface State {
  route: Route;
  link: Link;
  /** What the controller's clock is ahead of the browser's, milliseconds. */
  aheadMs: number;
  /** Now, by the controller's clock. */
  nowMs: number;
  /** Width of the page, CSS pixels; charts are drawn for it. */
  width: number;
  origin?: Origin;
  all?: { blueGreens: Summary[]; more: number };
  /** Absent until it was told of. */
  one?: {
    picture?: Picture;
    events?: EventPicture[];
    /** When it was told, by the controller's clock. */
    atMs: number;
  };
  samples: Sample[];
}

export type Action =
  | { kind: 'message'; message: PageMessage; nowMs: number }
  | { kind: 'link'; link: Link }
  | { kind: 'tick'; nowMs: number }
  | { kind: 'width'; width: number }
  | { kind: 'route'; route: Route };

export function firstState(route: Route, { nowMs, width }: { nowMs: number; width: number }): State {
  return { route, link: 'connecting', aheadMs: 0, nowMs, width, samples: [] };
}

/** The state after something happened. Pure; `nowMs` of actions is the browser's clock. */
export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case 'message':
      return told({ ...state, link: 'live' }, action.message, action.nowMs);
    case 'link':
      return { ...state, link: action.link };
    case 'tick':
      return { ...state, nowMs: action.nowMs + state.aheadMs };
    case 'width':
      return { ...state, width: action.width };
    case 'route': {
      const next: State = { ...state, route: action.route, samples: [], link: 'connecting' };
      delete next.one;
      return next;
    }
  }
}

function told(state: State, message: PageMessage, nowMs: number): State {
  const { atMs, replica, leader, deafSinceMs } = message;
  const origin: Origin = {
    atMs,
    replica,
    ...(leader !== undefined && { leader }),
    ...(deafSinceMs !== undefined && { deafSinceMs }),
  };
  const next = { ...state, origin, aheadMs: atMs - nowMs, nowMs: atMs };
  switch (message.kind) {
    case 'beat':
      return next;
    case 'all':
      return { ...next, all: { blueGreens: message.blueGreens, more: message.more } };
    case 'one': {
      const { picture, events, samples, history = state.one?.picture?.history ?? [] } = message;
      return {
        ...next,
        one: { ...(picture && { picture: { ...picture, history } }), ...(events && { events }), atMs },
        samples: samples.isWhole ? samples.list : withSamples(state.samples, samples.list),
      };
    }
  }
}

/** The route that an address's fragment says: `#/namespace/name`, else the list. */
export function routeOf(fragment: string): Route {
  const [, namespace, name] = /^#\/([a-z0-9][-a-z0-9.]*)\/([a-z0-9][-a-z0-9.]*)$/.exec(fragment) ?? [];
  return namespace !== undefined && name !== undefined ? { kind: 'one', namespace, name } : { kind: 'all' };
}

export function linkTo({ namespace, name }: { namespace: string; name: string }): string {
  return `#/${namespace}/${name}`;
}
