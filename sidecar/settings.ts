import type { DrainSettings } from '../lib/control.js';
import type { ApiKey } from './api-key.js';
import { confOf, settingsOfConf } from './drain-settings.js';
import type { Share } from './share.js';

/** How this pod is to be drained, and with which key: kept in `drain.conf` alone, which the gate reads. */
export interface Settings {
  current(): DrainSettings;
  key(): ApiKey;
  change(settings: DrainSettings): void;
  /** Reads the mounted key again, and tells the gate if it is another; whether it was. */
  refreshKey(): boolean;
}

/** @param readKey reads the mounted Secret */
export function openSettings(share: Share, apiPort: number, readKey: () => ApiKey): Settings {
  let key = readKey();
  let settings = settingsOfConf(share.read('drain.conf'));
  const keep = () => {
    const conf = confOf(settings, apiPort, key);
    if (conf !== share.read('drain.conf')) share.write('drain.conf', conf);
  };
  keep();
  return {
    current: () => settings,
    key: () => key,
    change(told) {
      settings = told;
      keep();
    },
    refreshKey() {
      const fresh = readKey();
      if (fresh.key === key.key && fresh.secret === key.secret) return false;
      key = fresh;
      keep();
      return true;
    },
  };
}
