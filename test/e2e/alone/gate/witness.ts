/**
 * Runs inside the cluster's network: connects clients to pods, watches each pod's own evacuation, and writes one JSON
 * object a line on standard output. Ends on SIGTERM, and with its input.
 *
 *   node witness.cjs '{"authorization","clients","persistent","pods":[{"name","ip"}]}'
 */
import http from 'node:http';
import { connect } from 'mqtt';

export interface Assignment {
  authorization: string;
  /** Clients on each pod; none come back after a disconnect. */
  clients: number;
  /** How many of them leave a session. */
  persistent: number;
  pods: { name: string; ip: string }[];
}

/** What it saw of one pod, at a time in ms since the epoch. */
export type Sighting = { atMs: number; pod: string } & (
  | { kind: 'connected' }
  | { kind: 'disconnected'; client: number }
  /** The state of the evacuation, `disabled`, or `unreachable`. */
  | { kind: 'state'; state: string }
);

const assignment = JSON.parse(process.argv[2] ?? '') as Assignment;

function saw(sighting: { pod: string } & Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...sighting })}\n`);
}

async function connectClients({ name, ip }: Assignment['pods'][number]): Promise<void> {
  const connected = Array.from({ length: assignment.clients }, async (_, client) => {
    const mqtt = connect(`mqtt://${ip}:1883`, {
      clientId: `${name}-${client}`,
      protocolVersion: 5,
      clean: client >= assignment.persistent,
      properties: { sessionExpiryInterval: client < assignment.persistent ? 600 : 0 },
      keepalive: 60,
      reconnectPeriod: 0,
    });
    mqtt.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      mqtt.once('connect', () => resolve());
      mqtt.once('close', () => reject(new Error(`${name} refused client ${client}`)));
    });
    mqtt.on('close', () => saw({ pod: name, kind: 'disconnected', client }));
  });
  await Promise.all(connected);
  saw({ pod: name, kind: 'connected' });
}

async function watchState({ name, ip }: Assignment['pods'][number]): Promise<void> {
  for (let last = ''; ;) {
    const state = await stateOf(ip).catch(() => 'unreachable');
    if (state !== last) saw({ pod: name, kind: 'state', state });
    last = state;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function stateOf(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        host,
        port: 18083,
        path: '/api/v5/load_rebalance/status',
        agent: false,
        timeout: 5_000,
        headers: { Authorization: assignment.authorization, Accept: 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const { status, state } = JSON.parse(text) as { status: string; state?: string };
          resolve(state ?? status);
        });
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}

for (const pod of assignment.pods) {
  connectClients(pod).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  void watchState(pod);
}
process.on('SIGTERM', () => process.exit(0));
// The test has gone.
process.stdin.on('end', () => process.exit(0)).resume();
