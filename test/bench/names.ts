/** As the chart has it, whose test holds both together. */
export const WEBHOOK_NODE_OPTIONS = '--max-semi-space-size=4';

/** The name in the webhooks' certificate, as the API server checks it. */
export const SERVER_NAME = 'sluice-webhook.sluice-system.svc';
