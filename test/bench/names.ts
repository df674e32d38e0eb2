/** The name in the webhooks' certificate, as the API server checks it. */
export const SERVER_NAME = 'sluice-webhook.sluice-system.svc';
