/** How an answer is written: for people in the width that there is or in as much as it takes, or for programs. */
export type Output = 'text' | 'wide' | 'json' | 'yaml';

/** Where to look; what is absent, the kubeconfig says. */
export interface Place {
  namespace?: string | undefined;
  context?: string | undefined;
  kubeconfig?: string | undefined;
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What the user asks for; a name that is absent means the only one in the namespace. */
export type Request =
  | { kind: 'completion'; shell: Shell }
  | { kind: 'lint'; files: string[]; from?: string | undefined; output: Output }
  | Asking;

/** What a cluster is asked for. */
export type Asking = { place: Place } & (
  | { kind: 'get'; name?: string | undefined; everywhere: boolean; output: Output; watch: boolean }
  | { kind: 'status'; name?: string | undefined; watch: boolean; timeoutMs: number }
  | { kind: 'history'; name?: string | undefined; output: Output; steps: boolean }
  | { kind: 'trace'; name?: string | undefined; link?: string | undefined; output: Output }
  | { kind: 'plan'; files: string[]; serverSide: boolean; output: Output }
  | Action
);

/** Changes that need nothing but a name. */
export type Named = 'pause' | 'resume' | 'promote' | 'abort' | 'retry' | 'restart';

/** What changes something. */
export type Action = { kind: Named; name: string } | { kind: 'undo'; name: string; to?: string | undefined };
