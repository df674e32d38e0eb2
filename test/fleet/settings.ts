import { isIPv4, isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';

/** Everything about one run of the fleet. */
export interface FleetSettings {
  host: string;
  port: number;
  clients: number;
  publishers: number;
  messagesPerSecond: number;
  /** First connects per second. */
  connectRate: number;
  backOffMinSeconds: number;
  backOffMaxSeconds: number;
  keepaliveSeconds: number;
  connectTimeoutSeconds: number;
  sessionExpirySeconds: number;
  /** The run ends by itself after this long, whatever happens. */
  durationSeconds: number;
  /** At the end, how long acknowledged messages may still take to arrive. */
  settleSeconds: number;
  /** Part of client ids and topics. */
  run: string;
  /** File that gets the records as well as stdout; empty for none. */
  out: string;
}

/** What was asked for cannot be done; the message says why, for people. */
export class UsageError extends Error {}

const DEFAULTS = {
  port: 1883,
  clients: 3000,
  publishers: 10,
  messages: 300,
  'connect-rate': 300,
  'back-off-min': 1,
  'back-off-max': 5,
  keepalive: 30,
  'connect-timeout': 10,
  'session-expiry': 3600,
  duration: 900,
  settle: 15,
} as const;

export const USAGE = `Real MQTT clients that count what happens to them.

  fleet --host HOST [options]

Half of the clients speak MQTT 5, half 3.1.1; half of each keep their session and subscribe at QoS 1 to a topic of their
own, to which some of the others publish numbered messages. After every disconnect or refusal a client backs off for a
random time and comes back. Records go to stdout, one JSON object a line; SIGTERM or SIGINT ends the run, and the last
line is the result.

  --host HOST          loopback or private address, or a Kubernetes Service's name (*.svc…); no other is accepted
  --port N             ${DEFAULTS.port}
  --clients N          ${DEFAULTS.clients}; at most 20000
  --publishers N       clients without a session that also publish: ${DEFAULTS.publishers}
  --messages N         QoS 1 messages per second in all: ${DEFAULTS.messages}; 0 for none
  --connect-rate N     first connects per second: ${DEFAULTS['connect-rate']}
  --back-off-min S     ${DEFAULTS['back-off-min']} seconds
  --back-off-max S     ${DEFAULTS['back-off-max']} seconds
  --keepalive S        ${DEFAULTS.keepalive} seconds
  --connect-timeout S  until CONNACK: ${DEFAULTS['connect-timeout']} seconds
  --session-expiry S   MQTT 5 only: ${DEFAULTS['session-expiry']} seconds
  --duration S         the run ends after ${DEFAULTS.duration} seconds at the latest; at most 7200
  --settle S           for messages still on their way at the end: ${DEFAULTS.settle} seconds
  --run NAME           part of client ids and topics: letters, digits, dashes; default: the time
  --out FILE           write the records there too
  --help
`;

/**
 * Reads the command line.
 * @param args without node and script
 * @param nowMs names the run if it has no name
 * @returns `'help'` when that was asked for
 * @throws UsageError with one message about everything that is wrong
 */
export function parseFleetSettings(args: readonly string[], nowMs: number): FleetSettings | 'help' {
  const { values } = read(args);
  if (values.help) return 'help';
  const wrong: string[] = [];
  const number = (name: keyof typeof DEFAULTS, min: number, max: number, isWhole = true): number => {
    const text = values[name];
    const value = text === undefined ? DEFAULTS[name] : Number(text);
    const isFine =
      Number.isFinite(value) && value >= min && value <= max && (!isWhole || Number.isInteger(value));
    if (!isFine) {
      wrong.push(
        `--${name} must be ${isWhole ? 'a whole' : 'a'} number from ${min} to ${max}, not '${text ?? ''}'`,
      );
    }
    return value;
  };
  const settings: FleetSettings = {
    host: values.host ?? '',
    port: number('port', 1, 65_535),
    // One address has about 28,000 ports for one destination, and each client holds one.
    clients: number('clients', 1, 20_000),
    publishers: number('publishers', 0, 1000),
    messagesPerSecond: number('messages', 0, 10_000),
    connectRate: number('connect-rate', 1, 5000),
    backOffMinSeconds: number('back-off-min', 0, 600, false),
    backOffMaxSeconds: number('back-off-max', 0, 600, false),
    keepaliveSeconds: number('keepalive', 1, 65_535),
    connectTimeoutSeconds: number('connect-timeout', 1, 600),
    sessionExpirySeconds: number('session-expiry', 1, 86_400),
    durationSeconds: number('duration', 1, 7200),
    settleSeconds: number('settle', 0, 600),
    run: values.run ?? nowMs.toString(36),
    out: values.out ?? '',
  };
  if (settings.host === '') wrong.push('--host is required');
  else if (!isAllowedHost(settings.host)) {
    wrong.push(
      `--host ${settings.host} is neither a loopback or private address nor a Kubernetes Service's name`,
    );
  }
  if (settings.backOffMaxSeconds < settings.backOffMinSeconds) {
    wrong.push('--back-off-max must not be below --back-off-min');
  }
  if (!/^[A-Za-z0-9-]{1,40}$/.test(settings.run))
    wrong.push('--run takes 1 to 40 letters, digits and dashes');
  if (wrong.length > 0) throw new UsageError(wrong.join('\n'));
  return settings;
}

function read(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean' },
        host: text,
        port: text,
        clients: text,
        publishers: text,
        messages: text,
        'connect-rate': text,
        'back-off-min': text,
        'back-off-max': text,
        keepalive: text,
        'connect-timeout': text,
        'session-expiry': text,
        duration: text,
        settle: text,
        run: text,
        out: text,
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * A load generator must not be pointed at somebody else's broker by a slip: only this machine, private networks
 * (RFC 1918, RFC 4193, link-local) and names that only a cluster's DNS knows.
 */
export function isAllowedHost(host: string): boolean {
  if (host === 'localhost') return true;
  if (isIPv4(host)) {
    const [a = 0, b = 0] = host.split('.').map(Number);
    return a === 127 || a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
  }
  if (isIPv6(host)) return host === '::1' || /^f[cd]/i.test(host) || /^fe[89ab]/i.test(host);
  return /^[a-z0-9-]+\.[a-z0-9-]+\.svc(\.[a-z0-9-]+)*$/i.test(host);
}
