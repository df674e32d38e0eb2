import { isObject, type Json, type JsonObject } from '../lib/json.js';
import type { CertificateKube } from './secrets.js';

/** Tells the API servers which CAs vouch for the webhook: PEM certificates. */
export type PublishBundle = (bundle: string, signal: AbortSignal) => Promise<void>;

/**
 * Publishes into every webhook of one MutatingWebhookConfiguration. The chart leaves `caBundle` out, so that it and
 * GitOps tools have nothing to put back.
 */
export function makePublishBundle(kube: CertificateKube, configuration: string): PublishBundle {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${configuration}`;
  return async (bundle, signal) => {
    const found = await kube.get(path, signal);
    const published = withBundle(found, Buffer.from(bundle).toString('base64'));
    if (published) await kube.update(path, published, signal);
  };
}

/** The configuration with the bundle (base64) in each of its webhooks; undefined when it is there already. */
export function withBundle(configuration: JsonObject, caBundle: string): JsonObject | undefined {
  const webhooks = Array.isArray(configuration['webhooks']) ? configuration['webhooks'] : [];
  if (webhooks.every((webhook) => clientConfigOf(webhook)['caBundle'] === caBundle)) return undefined;
  return {
    ...configuration,
    webhooks: webhooks.map((webhook) =>
      isObject(webhook) ? { ...webhook, clientConfig: { ...clientConfigOf(webhook), caBundle } } : webhook,
    ),
  };
}

function clientConfigOf(webhook: Json): JsonObject {
  const config = isObject(webhook) ? webhook['clientConfig'] : undefined;
  return isObject(config) ? config : {};
}
