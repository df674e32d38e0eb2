export type Qos = 0 | 1 | 2;

/** The MQTT 5 properties that travel with a message. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
  readonly userProperties?: Record<string, string | string[]>;
}

export interface Message {
  /** Unique in the cluster, so that a session that is on the move can tell doubles. */
  readonly id: string;
  readonly from: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Milliseconds of the wall clock. */
  readonly at: number;
  readonly expiresAt: number | undefined;
  readonly properties: MessageProperties | undefined;
}

/** A message between nodes: JSON, with bytes in base64. */
export interface MessageJson {
  readonly i: string;
  readonly f: string;
  readonly t: string;
  readonly p: string;
  readonly q: Qos;
  readonly r?: true;
  readonly a: number;
  readonly e?: number;
  readonly x?: Omit<MessageProperties, 'correlationData'> & { readonly correlation?: string };
}

export function toJson(message: Message): MessageJson {
  const { properties } = message;
  return {
    i: message.id,
    f: message.from,
    t: message.topic,
    p: message.payload.toString('base64'),
    q: message.qos,
    ...(message.retain ? { r: true as const } : {}),
    a: message.at,
    ...(message.expiresAt === undefined ? {} : { e: message.expiresAt }),
    ...(properties === undefined ? {} : { x: propertiesToJson(properties) }),
  };
}

export function fromJson(json: MessageJson): Message {
  return {
    id: json.i,
    from: json.f,
    topic: json.t,
    payload: Buffer.from(json.p, 'base64'),
    qos: json.q,
    retain: json.r ?? false,
    at: json.a,
    expiresAt: json.e,
    properties: json.x === undefined ? undefined : propertiesFromJson(json.x),
  };
}

function propertiesToJson({ correlationData, ...others }: MessageProperties): NonNullable<MessageJson['x']> {
  return correlationData === undefined
    ? others
    : { ...others, correlation: correlationData.toString('base64') };
}

function propertiesFromJson({ correlation, ...others }: NonNullable<MessageJson['x']>): MessageProperties {
  return correlation === undefined
    ? others
    : { ...others, correlationData: Buffer.from(correlation, 'base64') };
}
