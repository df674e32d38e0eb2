import { setPartOf } from '../lib/revision.js';
import type { Pod, StallReason } from './model.js';

/** Why a step cannot be taken yet. */
export interface Hindrance {
  message: string;
  /** Waiting alone will not end it: somebody has to act, and the message says how. */
  stalled?: StallReason;
  /** What is waited for, where the message holds figures that change meanwhile. */
  about?: string;
}

/** What keeps a pod's EMQX from being heard of: such a pod cannot be judged, nor drained. Undefined when it answers. */
export function unheard({ name, report, turnsUsAway }: Pod): Hindrance | undefined {
  switch (report?.api.kind) {
    case undefined:
      if (turnsUsAway) {
        return {
          message:
            `the sidecar of pod ${name} does not take the controller's certificate, so it was started with another control CA: ` +
            `bring back the Secret of the control CA (in the namespace of Sluice, its name ends in -control) as it was then. ` +
            `Without a backup: once another set's pods are Ready (kubectl rollout restart makes one), ` +
            `kubectl delete statefulset ${setPartOf(name)} lets its pods hand over by themselves`,
          stalled: 'ControllerTurnedAway',
        };
      }
      return { message: `the sidecar of pod ${name} does not answer on its control port` };
    case 'unreachable':
      return {
        message: `EMQX's API in pod ${name} does not answer yet: ${report.api.detail}; if it stays so, check spec.emqx.apiPort and EMQX's log`,
        about: `EMQX's API in pod ${name}`,
      };
    case 'unauthorized':
      return {
        message:
          `EMQX in pod ${name} refuses the API key: ${report.api.detail}; ` +
          `put ${report.emqxApi === 'v4' ? 'AppID and AppSecret of an application that EMQX knows' : 'a key that EMQX knows (role administrator)'} into the Secret that spec.emqx.apiKeySecret names`,
        stalled: 'ApiKeyRefused',
      };
    case 'noKey':
      return {
        message: `pod ${name} has no API key for EMQX: ${report.api.detail}; put an API key that EMQX knows there (keys "key" and "secret")`,
        stalled: 'ApiKeyRefused',
      };
    case 'ok':
      return undefined;
  }
}
