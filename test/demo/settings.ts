import type { Strategy, UpgradeSettings } from '../fleet/evidence.js';

/** One demo, read from the environment. */
export interface DemoSettings {
  upgrade: UpgradeSettings;
  /** QoS 1 messages per second in all. */
  messagesPerSecond: number;
  /** First connects per second. */
  connectRate: number;
  namespace: string;
  /** Leaves the cluster up, and the upgraded EMQX with it. */
  isKept: boolean;
  /** Folder for report.json and the records behind it. */
  outDir: string;
  /** Longest wait for the upgrade itself. */
  upgradeTimeoutSeconds: number;
}

/** A variable has a value that it cannot have. */
export class DemoSettingsError extends Error {}

export const DEMO_USAGE = `make demo: an EMQX cluster under load is upgraded on a real Kubernetes, and what its clients went through is reported.

  make demo                     blue-green, by Sluice
  make demo STRATEGY=rolling    the same fleet and edit, by Kubernetes' own rolling update: the baseline

  CLIENTS=3000          MQTT clients, half of them with sessions
  MESSAGES=300          QoS 1 messages per second
  CONNECT_RATE=300      first connects per second
  RATE=200              connEvictRate and sessEvictRate
  WAIT_TAKEOVER=6       seconds; the clients back off for at most 5
  INITIAL_DELAY=5       seconds between the switch and the first evacuation
  NAMESPACE=demo        made for the demo, and deleted afterwards (with the cluster, if the demo brought it up)
  TIMEOUT=600           seconds that the upgrade may take
  KEEP=1                leave it all up, and say how to reach it
  OUT=out/demo          for report.json and the records behind it

  CONTEXT=name          a cluster of your own instead of the local one; then these too: SLUICE_IMAGE, FLEET_IMAGE,
                        EMQX_IMAGE_FROM, EMQX_IMAGE_TO, EMQX_LICENSE. The fleet runs as a Job in the namespace NAMESPACE-fleet.

Exit code 1 when a promise was broken, which is named.
`;

/**
 * Reads the demo's variables; an empty one counts as unset, as make passes it.
 * @throws DemoSettingsError with one message about everything that is wrong
 */
export function demoSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const wrong: string[] = [];
  const number = (name: string, otherwise: number, min: number, max: number): number => {
    const text = env[name] ?? '';
    const value = text === '' ? otherwise : Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      wrong.push(`${name} must be a whole number from ${min} to ${max}, not '${text}'`);
    }
    return value;
  };
  const strategy = env['STRATEGY'] || 'blue-green';
  if (!isStrategy(strategy)) wrong.push(`STRATEGY must be blue-green or rolling, not '${strategy}'`);
  const namespace = env['NAMESPACE'] || 'demo';
  if (!/^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/.test(namespace)) {
    wrong.push(`NAMESPACE must be a Kubernetes name, not '${namespace}'`);
  }
  const rate = number('RATE', 200, 1, 100_000);
  const settings: DemoSettings = {
    upgrade: {
      strategy: strategy as Strategy,
      clients: number('CLIENTS', 3000, 1, 20_000),
      nodes: 3,
      connEvictRate: rate,
      sessEvictRate: rate,
      waitTakeoverSeconds: number('WAIT_TAKEOVER', 6, 0, 3600),
      initialDelaySeconds: number('INITIAL_DELAY', 5, 0, 3600),
    },
    messagesPerSecond: number('MESSAGES', 300, 0, 10_000),
    connectRate: number('CONNECT_RATE', 300, 1, 5000),
    namespace,
    isKept: (env['KEEP'] ?? '') !== '' && env['KEEP'] !== '0',
    outDir: env['OUT'] || 'out/demo',
    upgradeTimeoutSeconds: number('TIMEOUT', 600, 1, 6000),
  };
  if (wrong.length > 0) throw new DemoSettingsError(wrong.join('\n'));
  return settings;
}

function isStrategy(text: string): text is Strategy {
  return text === 'blue-green' || text === 'rolling';
}
