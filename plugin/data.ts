import { stringify } from 'yaml';
import type { Output } from './request.js';
import { remainingOf } from './remaining.js';
import type { View } from './view.js';

/** Data as JSON or YAML text; undefined for the formats that are for people. */
export function asText(data: unknown, output: Output): string | undefined {
  switch (output) {
    case 'json':
      return JSON.stringify(data, null, 2);
    case 'yaml':
      return stringify(data, { aliasDuplicateObjects: false }).trimEnd();
    case 'text':
    case 'wide':
      return undefined;
  }
}

/** What `get -o json` gives: the tree as data, with times as kubectl writes them. */
export function treeData(view: View): object {
  const { name, namespace, status, sets } = view;
  const remaining = remainingOf(view);
  return {
    name,
    namespace,
    phase: status.phase ?? null,
    message: status.message ?? '',
    active: status.active ?? '',
    wanted: status.wanted ?? '',
    clientsLeft: status.clientsLeft ?? 0,
    upgrade: status.upgrade ?? null,
    remaining: remaining ? { ...remaining, seconds: Math.round(remaining.seconds) } : null,
    sets: sets.map(({ nodes, revision, roles, size, ready, image, createdAtMs, name: set }) => ({
      name: set,
      revision,
      roles,
      size,
      ready,
      image,
      createdAt: timeOf(createdAtMs),
      nodes: nodes.map((node) => ({
        pod: node.pod,
        ready: node.ready,
        reason: node.reason,
        deletedAt: node.deletedAtMs === undefined ? null : timeOf(node.deletedAtMs),
        node: node.node ?? '',
        running: node.load !== undefined,
        clients: node.load?.clients ?? null,
        sessions: node.load?.sessions ?? null,
        evacuation: node.evacuation ?? null,
      })),
    })),
  };
}

function timeOf(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}
