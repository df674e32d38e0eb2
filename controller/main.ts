import { keepCertificates } from '../certs/keep.js';
import { makeLogger } from '../lib/log.js';
import { openTracing } from '../lib/telemetry/tracing.js';
import { makeControl } from './control.js';
import { listen, makeHealthServer } from './health.js';
import { findAccess } from './kube/access.js';
import { makeKube } from './kube/client.js';
import { makeTransport } from './kube/transport.js';
import { makeMetricsServer } from '../lib/metrics/serve.js';
import { makeControllerMetrics } from './metrics/metrics.js';
import { lead } from './lead.js';
import { whileLeader } from './lease.js';
import { plan, planUrgent } from './plan.js';
import { readSettings } from './settings.js';
import { makeSidecars } from './sidecars.js';
import { makeCourier } from './trace/courier.js';
import { findSidecars } from './users-of-control.js';

const log = makeLogger('controller');

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const shutdown = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => shutdown.abort(new Error(name)));
  let isLeading = false;
  const certificates: Record<string, string> = {};
  const gauge = makeControllerMetrics(() => ({ isLeading, certificates }));
  const servers = [await listen(makeHealthServer(), settings.healthPort)];
  if (settings.metricsPort > 0) {
    servers.push(
      await listen(
        makeMetricsServer(() => gauge.scrape()),
        settings.metricsPort,
      ),
    );
  }
  const tracing = await openTracing(process.env, {
    service: 'sluice-controller',
    attributes: {
      'service.namespace': 'sluice',
      'service.instance.id': settings.identity,
      'k8s.namespace.name': settings.namespace,
      'k8s.pod.name': settings.identity,
    },
    log,
  });
  const transport = makeTransport(await findAccess(process.env));
  const kube = makeKube(transport);
  const page = (settings.page.port > 0 ? withPage() : Promise.resolve()).catch((error: unknown) =>
    log.error({ err: error }, 'no page is served'),
  );

  await whileLeader(
    {
      kube,
      namespace: settings.namespace,
      name: settings.lease,
      identity: settings.identity,
      log,
      onTrouble: (error) => gauge.failed('lease', error),
    },
    async (leading) => {
      isLeading = true;
      try {
        await leadWithCertificates(leading);
      } finally {
        isLeading = false;
        gauge.forgetAll();
        for (const name of Object.keys(certificates)) delete certificates[name];
      }
    },
    shutdown.signal,
  );
  await tracing?.close();
  for (const server of servers) server.close();
  await page;
  log.info('stopped');

  /** Every replica serves the page, whether it leads or not; no upgrade waits for it. */
  async function withPage(): Promise<void> {
    // A controller without the page does not load Express.
    const { servePage } = await import('./page/serve.js');
    const lease = { namespace: settings.namespace, name: settings.lease };
    const tools = { transport, lease, replica: settings.identity, ...settings.page, log };
    await servePage({ ...tools, onTrouble: (part, error) => gauge.failed(part, error) }, shutdown.signal);
  }

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
        onControl: (material) => {
          control.keep(material);
          certificates['control-ca'] = material.ca.cert;
          certificates['control-client'] = material.client.cert;
        },
        onControlTrouble: (cause) => control.miss(cause),
        onServing: ({ ca, serving }) => {
          certificates['webhook-ca'] = ca.cert;
          certificates['webhook-serving'] = serving.cert;
        },
        onTrouble: (error) => gauge.failed('certificates', error),
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
    // A leader knows nothing of what the one before has sent.
    const courier = tracing && makeCourier(tracing, () => performance.now());
    await lead(
      {
        transport,
        sidecars,
        sidecarSettings,
        controlTrouble,
        plan,
        planUrgent,
        defaults,
        gauge,
        ...(courier && { courier }),
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
