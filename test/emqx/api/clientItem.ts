import type { Held } from '../mqtt/broker.js';

/** One item of `GET /clients`, as EMQX 5 has it. */
export interface ClientItem {
  readonly clientid: string;
  readonly node: string;
  readonly connected: boolean;
  readonly [key: string]: unknown;
}

export function clientItem(self: string, { session, client, details }: Held): ClientItem {
  return {
    clientid: session.clientId,
    node: self,
    connected: client !== undefined,
    username: details?.username ?? null,
    proto_name: 'MQTT',
    proto_ver: details?.protocolVersion ?? 5,
    ip_address: details?.address ?? null,
    port: details?.port ?? null,
    clean_start: details?.cleanStart ?? false,
    keepalive: client?.keepAliveSeconds ?? 0,
    expiry_interval: session.expirySeconds === Infinity ? 0xffff_ffff : session.expirySeconds,
    created_at: new Date(session.createdAt).toISOString(),
    ...(details ? { connected_at: new Date(details.connectedAt).toISOString() } : {}),
    ...(session.disconnectedAt === undefined
      ? {}
      : { disconnected_at: new Date(session.disconnectedAt).toISOString() }),
    subscriptions_cnt: session.subscriptions.size,
    inflight_cnt: session.inflightCount,
    mqueue_len: session.queueLength,
    mqueue_dropped: session.dropped,
  };
}
