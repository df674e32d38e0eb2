import type { ControlMaterial } from '../certs/control.js';
import { keepCertificates } from '../certs/keep.js';
import { makeLogger } from '../lib/log.js';
import { steadyNow } from './clock.js';
import { serveHealth } from './health.js';
import { findAccess } from './kube/access.js';
import { makeKube } from './kube/client.js';
import { makeTransport } from './kube/transport.js';
import { lead } from './lead.js';
import { whileLeader } from './lease.js';
import { plan, planUrgent } from './plan.js';
import { readSettings } from './settings.js';
import { makeSidecars } from './sidecars.js';

const log = makeLogger('controller');

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const shutdown = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => shutdown.abort(new Error(name)));
  let isLeading = false;
  const server = await serveHealth(settings.healthPort, () => ({ isLeading }));
  const transport = makeTransport(await findAccess(process.env));
  const kube = makeKube(transport);

  await whileLeader(
    { kube, namespace: settings.namespace, name: settings.lease, identity: settings.identity, log },
    async (leading) => {
      isLeading = true;
      try {
        await leadWithCertificates(leading);
      } finally {
        isLeading = false;
      }
    },
    shutdown.signal,
  );
  server.close();
  log.info('stopped');

  /** Certificates first: without the control CA there is nothing to inject, and without its client certificate nobody to ask. */
  async function leadWithCertificates(leading: AbortSignal): Promise<void> {
    let material: ControlMaterial | undefined;
    const known = Promise.withResolvers<undefined>();
    leading.addEventListener('abort', () => known.resolve(undefined));
    const keeping = keepCertificates(
      {
        kube,
        namespace: settings.namespace,
        names: settings.certificates,
        onControl: (latest) => {
          material = latest;
          known.resolve(undefined);
        },
        now: Date.now,
        log,
      },
      leading,
    );
    await known.promise;
    const present = (): Promise<ControlMaterial> =>
      material ? Promise.resolve(material) : Promise.reject(new Error('no control certificate yet'));
    const sidecars = makeSidecars(async () => (await present()).client);
    const sidecarSettings = async () => ({ ...settings.sidecar, controlCa: (await present()).ca.cert });
    const { defaults } = settings;
    await lead(
      { transport, kube, sidecars, sidecarSettings, plan, planUrgent, defaults, now: steadyNow, log },
      leading,
    );
    await keeping;
  }
}

main().catch((error: unknown) => {
  log.fatal({ err: error }, 'cannot go on');
  process.exitCode = 1;
});
