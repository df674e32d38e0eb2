import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which nodes belong to the cluster, on this node's disk, as Mnesia's schema is: it outlives the process, not the volume. */
export interface MembersFile {
  /** Names as last saved; undefined on an empty disk. */
  read(): readonly string[] | undefined;
  save(members: readonly string[]): void;
  /** What leaving and joining do first. */
  drop(): void;
}

export function membersFile(dataDir: string, self: string): MembersFile {
  const dir = join(dataDir, 'mnesia', self);
  const path = join(dir, 'members.json');
  return {
    read: () => {
      try {
        const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
        return Array.isArray(parsed) ? parsed.filter((name) => typeof name === 'string') : undefined;
      } catch {
        return undefined;
      }
    },
    save: (members) => {
      mkdirSync(dir, { recursive: true });
      writeFileSync(`${path}.new`, JSON.stringify(members));
      renameSync(`${path}.new`, path);
    },
    drop: () => rmSync(path, { force: true }),
  };
}

export type JoinAnswer = { readonly kind: 'welcome' } | { readonly kind: 'refused'; readonly reason: string };

export interface JoinAsked {
  readonly joiner: string;
  readonly self: string;
  readonly members: readonly string[];
  readonly isStopping: boolean;
  readonly isSingleNodeLicence: boolean;
  /** A name that is still listed may join again, as it may in EMQX with luck. */
  readonly admitsListed: boolean;
}

/** How EMQX words it. @see EMQX: emqx_cluster.erl */
export function singleNodeLicence(node: string): string {
  return `Node ${node} has a single node license`;
}

/** Whether the node that is asked lets the joiner in. Pure. */
export function answerJoin({ joiner, self, members, ...asked }: JoinAsked): JoinAnswer {
  if (asked.isStopping) return { kind: 'refused', reason: `{node_down,'${self}'}` };
  if (asked.isSingleNodeLicence) return { kind: 'refused', reason: singleNodeLicence(self) };
  if (members.includes(joiner) && !asked.admitsListed)
    return { kind: 'refused', reason: `{already_in_cluster,'${joiner}'}` };
  return { kind: 'welcome' };
}

/** A node that discovery found alive. */
export interface Candidate {
  readonly name: string;
  readonly startedAt: number;
}

/**
 * Whom to join: the oldest of those that discovery found, itself among them.
 * Undefined: it is itself the oldest, or already in a cluster, or found nobody.
 * @see ekka: src/ekka_autocluster.erl
 */
export function chooseToJoin(
  self: string,
  members: readonly string[],
  found: readonly Candidate[],
): string | undefined {
  if (members.length > 1) return undefined;
  const oldest = [...found].sort((a, b) => a.startedAt - b.startedAt || (a.name < b.name ? -1 : 1))[0];
  return oldest === undefined || oldest.name === self ? undefined : oldest.name;
}
