import definitions from 'otlp-definitions/build/src/generated/root.js';
import { isObject, type JsonObject } from '../../lib/json.js';

/** A span as it was received, its ids in hex, its times in milliseconds since the epoch, attributes of the resource beside it. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: string;
  scope: string;
  startMs: number;
  endMs: number;
  attributes: JsonObject;
  events: { name: string; atMs: number; attributes: JsonObject }[];
  /** `STATUS_CODE_UNSET`, `STATUS_CODE_OK` or `STATUS_CODE_ERROR`. */
  status: string;
  message: string;
  resource: JsonObject;
}

interface MessageType {
  decode(body: Uint8Array): unknown;
  toObject(message: unknown, options: object): unknown;
}

/**
 * Reads the body of `POST /v1/traces`, by OpenTelemetry's own protobuf definitions (those of an earlier SDK, which were generated from them).
 * @throws Error when it is no ExportTraceServiceRequest
 */
export function decodeTraces(body: Uint8Array): ReceivedSpan[] {
  const type = (definitions as unknown as { opentelemetry: { proto: Protos } }).opentelemetry.proto.collector
    .trace.v1.ExportTraceServiceRequest;
  const request = type.toObject(type.decode(body), {
    longs: String,
    enums: String,
    bytes: String,
    defaults: true,
  });
  return listAt(request, 'resourceSpans').flatMap((ofResource) => {
    const resource = attributesOf(isObject(ofResource['resource']) ? ofResource['resource'] : {});
    return listAt(ofResource, 'scopeSpans').flatMap((ofScope) => {
      const scope = isObject(ofScope['scope']) ? textOf(ofScope['scope']['name']) : '';
      return listAt(ofScope, 'spans').map((span) => spanOf(span, { scope, resource }));
    });
  });
}

interface Protos {
  collector: { trace: { v1: { ExportTraceServiceRequest: MessageType } } };
}

function spanOf(
  span: JsonObject,
  { scope, resource }: { scope: string; resource: JsonObject },
): ReceivedSpan {
  const status = isObject(span['status']) ? span['status'] : {};
  return {
    traceId: hexOf(span['traceId']),
    spanId: hexOf(span['spanId']),
    parentSpanId: hexOf(span['parentSpanId']),
    name: textOf(span['name']),
    kind: textOf(span['kind']),
    scope,
    startMs: msOf(span['startTimeUnixNano']),
    endMs: msOf(span['endTimeUnixNano']),
    attributes: attributesOf(span),
    events: listAt(span, 'events').map((event) => ({
      name: textOf(event['name']),
      atMs: msOf(event['timeUnixNano']),
      attributes: attributesOf(event),
    })),
    status: textOf(status['code']),
    message: textOf(status['message']),
    resource,
  };
}

function attributesOf(holder: JsonObject): JsonObject {
  return Object.fromEntries(
    listAt(holder, 'attributes').map((attribute) => [textOf(attribute['key']), valueOf(attribute['value'])]),
  );
}

function valueOf(value: unknown): string | number | boolean {
  const [[kind = '', content] = []] = Object.entries(isObject(value) ? value : {}).filter(
    ([key]) => key !== 'value',
  );
  if (kind === 'boolValue') return content === true;
  return kind === 'intValue' || kind === 'doubleValue' ? Number(content) : textOf(content);
}

function listAt(holder: unknown, key: string): JsonObject[] {
  const list = isObject(holder) ? holder[key] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function hexOf(base64: unknown): string {
  return Buffer.from(textOf(base64), 'base64').toString('hex');
}

function msOf(nanos: unknown): number {
  return Number(BigInt(textOf(nanos) || '0') / 1_000n) / 1_000;
}
