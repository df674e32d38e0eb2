import { makeKube } from '../../../controller/kube/client.js';
import { makeTransport } from '../../../controller/kube/transport.js';
import { lead, type LeadOptions } from '../../../controller/lead.js';
import { makeControllerMetrics } from '../../../controller/metrics/metrics.js';
import type { PassTools } from '../../../controller/pass.js';
import { plan, planUrgent } from '../../../controller/plan.js';
import { makeLogger } from '../../../lib/log.js';
import type { World } from './world.js';

const log = makeLogger('test', process.env['SLUICE_LOG_LEVEL'] ?? 'silent');

export const notLeading = () => ({ isLeading: false, certificates: {} });

export interface Leader {
  stop: () => Promise<void>;
}

export function optionsOf(world: World): LeadOptions & Pick<PassTools, 'kube'> {
  const transport = makeTransport({
    origin: new URL(world.url),
    tls: {},
    headers: () => Promise.resolve({}),
  });
  return {
    transport,
    kube: makeKube(transport),
    sidecars: world.emqx,
    sidecarSettings: () => ({
      image: 'sluice:1',
      imagePullPolicy: 'IfNotPresent',
      resources: {},
      controlCa: 'PEM',
      metricsPort: 9441,
    }),
    controlTrouble: () => undefined,
    plan,
    planUrgent,
    defaults: { updateStrategy: { type: 'Recreate', initialDelaySeconds: 0 } },
    gauge: makeControllerMetrics(notLeading),
    log,
  };
}

/** The controller, leading in a world. */
export function startLeader(world: World, more: Partial<LeadOptions> = {}): Leader {
  const stopping = new AbortController();
  const done = lead({ ...optionsOf(world), ...more }, stopping.signal);
  return {
    stop: async () => {
      stopping.abort(new Error('test over'));
      await done;
    },
  };
}
