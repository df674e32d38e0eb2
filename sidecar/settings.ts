import type { DrainSettings } from '../lib/control.js';
import type { ApiKey, MountedKey } from './api-key.js';
import { authorizationOfConf, confOf, settingsOfConf } from './drain-settings.js';
import type { Share } from './share.js';

/** How this pod is to be drained, and with which key: kept in `drain.conf` alone, which the gate reads. */
export interface Settings {
  current(): DrainSettings;
  /** Both empty while there is none. */
  key(): ApiKey;
  /** Which key of the Secret has no value; undefined when there is an API key. */
  missing(): keyof ApiKey | undefined;
  change(settings: DrainSettings): void;
  /** Reads the mounted key again, and tells the gate if it is another; whether it was. */
  refreshKey(): boolean;
}

/**
 * @param readKey reads the mounted Secret
 * @param isTraced this sidecar sends spans, so that the upgrade's trace context is worth telling
 */
export function openSettings(
  share: Share,
  apiPort: number,
  readKey: () => MountedKey,
  isTraced = false,
): Settings {
  const known = ({ traceparent = '', ...others }: DrainSettings): DrainSettings =>
    isTraced ? { ...others, traceparent } : others;
  let mounted = readKey();
  let settings = known(settingsOfConf(share.read('drain.conf')));
  const keep = () => {
    const before = share.read('drain.conf');
    const conf = confOf(settings, apiPort, authorizationOf(mounted) ?? authorizationOfConf(before));
    if (conf !== before) share.write('drain.conf', conf);
  };
  keep();
  return {
    current: () => settings,
    key: () => (mounted.kind === 'key' ? mounted : { key: '', secret: '' }),
    missing: () => (mounted.kind === 'none' ? mounted.missing : undefined),
    change(told) {
      settings = known(told);
      keep();
    },
    refreshKey() {
      const fresh = readKey();
      if (authorizationOf(fresh) === authorizationOf(mounted)) return false;
      mounted = fresh;
      keep();
      return true;
    },
  };
}

function authorizationOf(mounted: MountedKey): string | undefined {
  if (mounted.kind === 'none') return undefined;
  return `Basic ${Buffer.from(`${mounted.key}:${mounted.secret}`).toString('base64')}`;
}
