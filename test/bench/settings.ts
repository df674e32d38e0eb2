/** The parts of the benchmark, each with its own figures. */
export const PARTS = ['webhook', 'sidecar', 'controller', 'reaction'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchSettings {
  parts: readonly Part[];
  /** Rounds of the two webhooks in turn, and how long each is measured at each number of connections. */
  rounds: number;
  roundSeconds: number;
  /** Template edits that are timed. */
  edits: number;
  /** Declarations that the controller has to look after. */
  declarations: number;
  /** How long the sidecar, then the controller, is watched. */
  restSeconds: number;
  /** Name of the local cluster; one of its own, made for the benchmark and taken down after it. */
  cluster: string;
  isKept: boolean;
  outDir: string;
}

/** A variable has a value that it cannot have. */
export class BenchSettingsError extends Error {
  override readonly name = 'BenchSettingsError';
}

export const BENCH_USAGE = `make bench: what Sluice costs, beside the goals.

  ONLY=webhook,sidecar,controller,reaction    parts to run, by default all
  ROUNDS=10             rounds of Sluice's webhook and the Go webhook in turn
  ROUND_SECONDS=2       measured seconds of each, at 1 and at 16 connections
  EDITS=60              template edits that are timed
  DECLARATIONS=100      declarations that the controller looks after
  REST_SECONDS=30       how long the sidecar, and the controller, is watched
  SLUICE_CLUSTER=bench  the local cluster, made for this and taken down afterwards
  KEEP=1                leave the cluster up
  OUT=out/bench         for report.json and what was built

The webhooks are measured best on a machine with nothing else to do; the report says how busy it was.
Exit code 1 when a goal was missed, which is named.
`;

/**
 * Reads the benchmark's variables; an empty one counts as unset, as make passes it.
 * @throws BenchSettingsError with one message about everything that is wrong
 */
export function benchSettings(env: NodeJS.ProcessEnv): BenchSettings {
  const wrong: string[] = [];
  const number = (name: string, otherwise: number, max: number): number => {
    const value = Number(env[name] || otherwise);
    if (!Number.isInteger(value) || value < 1 || value > max) {
      wrong.push(`${name} must be a whole number from 1 to ${max}, not '${env[name]}'`);
    }
    return value;
  };
  const only = (env['ONLY'] || PARTS.join(',')).split(',');
  const unknown = only.filter((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown.length > 0) wrong.push(`ONLY must be of ${PARTS.join(', ')}, not '${unknown.join(',')}'`);
  const settings: BenchSettings = {
    parts: PARTS.filter((part) => only.includes(part)),
    rounds: number('ROUNDS', 10, 100),
    roundSeconds: number('ROUND_SECONDS', 2, 60),
    edits: number('EDITS', 60, 1000),
    declarations: number('DECLARATIONS', 100, 1000),
    restSeconds: number('REST_SECONDS', 30, 600),
    cluster: env['SLUICE_CLUSTER'] || 'bench',
    isKept: (env['KEEP'] ?? '') !== '' && env['KEEP'] !== '0',
    outDir: env['OUT'] || 'out/bench',
  };
  if (wrong.length > 0) throw new BenchSettingsError(wrong.join('\n'));
  return settings;
}
