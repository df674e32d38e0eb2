import { keepCertificates } from '../certs/keep.js';
import { makeLogger } from '../lib/log.js';
import { makeControl } from './control.js';
import { serveHealth } from './health.js';
import { findAccess } from './kube/access.js';
import { makeKube } from './kube/client.js';
import { makeTransport } from './kube/transport.js';
import { lead } from './lead.js';
import { whileLeader } from './lease.js';
import { plan, planUrgent } from './plan.js';
import { readSettings } from './settings.js';
import { makeSidecars } from './sidecars.js';
import { findSidecars } from './users-of-control.js';

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

  /**
   * Certificates first: without the control CA there is nothing to inject, and without its client certificate nobody to ask. While they
   * cannot be had it leads all the same: what users have is held and pinned without them, and every BlueGreen says what is wrong.
   */
  async function leadWithCertificates(leading: AbortSignal): Promise<void> {
    const control = makeControl(settings.namespace);
    const aborted = new Promise((resolve) => leading.addEventListener('abort', resolve, { once: true }));
    const keeping = keepCertificates(
      {
        kube,
        namespace: settings.namespace,
        names: settings.certificates,
        findUser: (signal) => findSidecars(kube, signal),
        onControl: (material) => control.keep(material),
        onControlTrouble: (cause) => control.miss(cause),
        now: Date.now,
        log,
      },
      leading,
    );
    await Promise.race([control.told, aborted]);
    const sidecars = makeSidecars(() => Promise.resolve(control.material().client));
    const sidecarSettings = () => ({ ...settings.sidecar, controlCa: control.material().ca.cert });
    const controlTrouble = () => control.trouble();
    const { defaults } = settings;
    await lead(
      {
        transport,
        kube,
        sidecars,
        sidecarSettings,
        controlTrouble,
        plan,
        planUrgent,
        defaults,
        log,
      },
      leading,
    );
    await keeping;
  }
}

main().catch((error: unknown) => {
  log.fatal({ err: error }, 'cannot go on');
  process.exitCode = 1;
});
