import { connect } from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';

/** One network connection of one client; a fresh one is dialled for each attempt, so that every attempt is counted. */
export interface Connection {
  /** Resolves when the subscription at QoS 1 is acknowledged. Rejects when it is refused or the connection ends. */
  subscribe(topic: string): Promise<void>;
  /** Sends at QoS 1. `settled` gets the PUBACK, and is not called when the connection ends first. */
  publish(topic: string, payload: string, settled: (isAccepted: boolean) => void): void;
  /** Says DISCONNECT and closes. `closed` is called as for any other end. */
  end(): void;
}

/** What a connection tells its client. After `closed` nothing more comes. */
export interface ConnectionEvents {
  /** CONNACK 0. */
  opened(answer: { isSessionPresent: boolean; receiveMaximum: number }): void;
  message(payload: string, isDup: boolean): void;
  /** `reason`: words for a refused attempt; `code`: MQTT 5's DISCONNECT reason, or -1. */
  closed(end: { reason: string; code: number }): void;
}

export interface DialOptions {
  clientId: string;
  protocolVersion: 4 | 5;
  isPersistent: boolean;
}

/** Starts one attempt to connect. */
export type Dial = (options: DialOptions, events: ConnectionEvents) => Connection;

/** MQTT 5's default when the server names no Receive Maximum. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;

/**
 * Dials with npm `mqtt`, its own reconnecting switched off.
 * @param target where to; `keepaliveSeconds` 1 or more, `connectTimeoutSeconds` until CONNACK
 */
export function mqttDial(target: {
  host: string;
  port: number;
  keepaliveSeconds: number;
  connectTimeoutSeconds: number;
  sessionExpirySeconds: number;
}): Dial {
  return (options, events) => {
    const { isPersistent, protocolVersion, clientId } = options;
    const settings: IClientOptions = {
      protocol: 'mqtt',
      host: target.host,
      port: target.port,
      clientId,
      protocolVersion,
      clean: !isPersistent,
      keepalive: target.keepaliveSeconds,
      connectTimeout: target.connectTimeoutSeconds * 1000,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
    };
    if (protocolVersion === 5 && isPersistent) {
      settings.properties = { sessionExpiryInterval: target.sessionExpirySeconds };
    }
    return wire(connect(settings), events);
  };
}

function wire(client: MqttClient, events: ConnectionEvents): Connection {
  let reason = 'closed';
  let code = -1;
  let failSubscription: ((error: Error) => void) | undefined;
  client.on('packetreceive', (packet) => {
    // mqtt sets up a table for as many topic aliases as the broker offers, 65,535 at EMQX: 1.4 MB a client, never used.
    if (packet.cmd === 'connack') delete packet.properties?.topicAliasMaximum;
  });
  client.on('connect', (packet) => {
    events.opened({
      isSessionPresent: packet.sessionPresent,
      receiveMaximum: packet.properties?.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
    });
  });
  client.on('message', (_topic, payload, packet) => events.message(payload.toString(), packet.dup));
  client.on('disconnect', (packet) => {
    code = packet.reasonCode ?? 0;
  });
  client.on('error', (error) => {
    reason = reasonOf(error);
  });
  client.once('close', () => {
    failSubscription?.(new Error('the connection ended before SUBACK'));
    events.closed({ reason, code });
    // Further errors of a dead connection have no reader, and one without a listener would end the process.
    client.removeAllListeners().on('error', () => undefined);
  });
  return {
    async subscribe(topic) {
      const ended = new Promise<never>((_, reject) => {
        failSubscription = reject;
      });
      await Promise.race([client.subscribeAsync(topic, { qos: 1 }), ended]);
      failSubscription = undefined;
    },
    publish(topic, payload, settled) {
      client.publish(topic, payload, { qos: 1 }, (error) => {
        // mqtt also calls back when it closes the connection itself; only an answer of the broker has a code.
        if (!error) settled(true);
        else if ('code' in error && typeof error.code === 'number') settled(false);
      });
    },
    end() {
      client.end();
    },
  };
}

function reasonOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('code' in error && typeof error.code === 'number') return `connack 0x${error.code.toString(16)}`;
  return error.message.includes('timeout') ? 'timeout' : error.message;
}
