import { isObject, sameJson, type JsonObject } from '../lib/json.js';
import { SCALE_WEBHOOK } from '../lib/scale-path.js';
import type { CertificateKube } from './secrets.js';

/** What API servers are told about the webhook. */
export interface Published {
  /** The CAs that vouch for it: PEM certificates. */
  bundle: string;
  /** Where it is asked about Scales; absent until there is a token. A secret: never to be logged. */
  scalePath?: string;
}

export type Publish = (published: Published, signal: AbortSignal) => Promise<void>;

/**
 * Publishes into every webhook of one MutatingWebhookConfiguration. The chart leaves `caBundle` out, and `path` of
 * the Scale webhook, so that it and GitOps tools have nothing to put back.
 */
export function makePublish(kube: CertificateKube, configuration: string): Publish {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${configuration}`;
  return async (published, signal) => {
    const found = await kube.get(path, signal);
    const changed = withPublished(found, published);
    if (changed) await kube.update(path, changed, signal);
  };
}

/** The configuration with the bundle in each of its webhooks, and the path in that of Scales; undefined when all is there. */
export function withPublished(configuration: JsonObject, published: Published): JsonObject | undefined {
  const webhooks = Array.isArray(configuration['webhooks']) ? configuration['webhooks'] : [];
  const changed = webhooks.map((webhook) => (isObject(webhook) ? pointed(webhook, published) : webhook));
  return sameJson(changed, webhooks) ? undefined : { ...configuration, webhooks: changed };
}

function pointed(webhook: JsonObject, { bundle, scalePath }: Published): JsonObject {
  const config = isObject(webhook['clientConfig']) ? webhook['clientConfig'] : {};
  const { service } = config;
  const isPathOurs = webhook['name'] === SCALE_WEBHOOK && scalePath !== undefined && isObject(service);
  return {
    ...webhook,
    clientConfig: {
      ...config,
      ...(isPathOurs && { service: { ...service, path: scalePath } }),
      caBundle: Buffer.from(bundle).toString('base64'),
    },
  };
}
