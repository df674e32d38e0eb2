import type { Logger } from '../lib/log.js';
import { sleep } from '../lib/sleep.js';
import type { ControlMaterial } from './control.js';
import { keepControl } from './keep-control.js';
import { keepServing, type ServingMaterial } from './keep-serving.js';
import { makePublish } from './publish.js';
import { makeSecretStore, type CertificateKube, type SecretStore } from './secrets.js';

export interface KeepOptions {
  kube: CertificateKube;
  /** Sluice's own. */
  namespace: string;
  names: {
    webhookCaSecret: string;
    webhookTlsSecret: string;
    controlSecret: string;
    webhookService: string;
    webhookConfiguration: string;
  };
  /** A StatefulSet that runs sidecars, as `namespace/name`; undefined when there is none. */
  findUser: (signal: AbortSignal) => Promise<string | undefined>;
  /** Called with the first material, and again each time it has changed. */
  onControl: (material: ControlMaterial) => void;
  /** Called each time it could not be read or made. */
  onControlTrouble: (cause: unknown) => void;
  /** Called after each pass over the webhook's certificates with what is current. */
  onServing: (material: ServingMaterial) => void;
  /** A pass has failed; it is tried again. */
  onTrouble: (error: unknown) => void;
  /** Milliseconds since 1970, as the wall clock has it now: others judge certificates by theirs. */
  now: () => number;
  log: Logger;
}

/** Also mends what people delete or put back: a Secret, the bundle. */
const EVERY_MS = 30_000;
const RETRY_MS = 2_000;

/** Keeps all of Sluice's certificates until the signal. For the leader; a second one does no harm but conflicts. */
export async function keepCertificates(options: KeepOptions, signal: AbortSignal): Promise<void> {
  const { kube, namespace, names, findUser, onControl, onControlTrouble, now, log } = options;
  const secrets = loggedWrites(makeSecretStore(kube, namespace), log);
  const serving = {
    secrets,
    publish: makePublish(kube, names.webhookConfiguration),
    caSecret: names.webhookCaSecret,
    tlsSecret: names.webhookTlsSecret,
    dnsNames: dnsNamesOf(names.webhookService, namespace),
    now,
  };
  let known: ControlMaterial | undefined;
  const control = async (): Promise<void> => {
    const options = { secrets, controlSecret: names.controlSecret, now, known, findUser };
    const material = await keepControl(options, signal).catch((error: unknown) => {
      if (!signal.aborted) onControlTrouble(error);
      throw error;
    });
    if (JSON.stringify(material) !== JSON.stringify(known)) onControl(material);
    known = material;
  };
  while (!signal.aborted) {
    let waitMs = EVERY_MS;
    for (const keep of [control, async () => options.onServing(await keepServing(serving, signal))]) {
      try {
        await keep();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'certificates not kept');
        options.onTrouble(error);
        waitMs = RETRY_MS;
      }
    }
    await sleep(waitMs, signal);
  }
}

/** Says which keys of a Secret are new, never what they hold. */
function loggedWrites(store: SecretStore, log: Logger): SecretStore {
  return {
    read: (name, signal) => store.read(name, signal),
    async write(name, data, seen, signal) {
      const isWritten = await store.write(name, data, seen, signal);
      const keys = Object.keys(data).filter((key) => data[key] !== seen?.data[key]);
      if (isWritten && keys.length > 0) log.info({ secret: name, keys }, 'certificates written');
      return isWritten;
    },
  };
}

/** The API server calls `<service>.<namespace>.svc`. */
function dnsNamesOf(service: string, namespace: string): string[] {
  return [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
}
