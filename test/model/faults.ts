import type { ClientService, Decision, NodeSet, Observed, Step } from './adapter.js';
import type { Planner } from './run.js';

/** A plan with one thing wrong, made from the right one by bending what it sees or what it decides. */
export interface Fault {
  name: string;
  plant: (plan: Planner) => Planner;
}

export const FAULTS: Fault[] = [
  {
    name: 'it switches to a green that is not ready',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map(allReady) }),
  },
  {
    name: 'it does not wait for the endpoints, nor for the delay',
    plant: (plan) => (seen) => {
      const services = seen.services.map((service) => settled(service, seen));
      return plan({ ...seen, blueGreen: longSwitched(seen.blueGreen), services });
    },
  },
  {
    name: 'it takes a set down at once instead of pod by pod',
    plant: (plan) =>
      bend(plan, (step) =>
        step.kind === 'resize' && /drains/.test(step.because) ? { ...step, to: 0 } : step,
      ),
  },
  {
    name: 'it goes on draining blue though a newer revision waits',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const active = seen.sets.find(({ name }) => name === decision.active);
      if (decision.step.kind !== 'wait' || !active) return decision;
      const other = plan({ ...seen, declaration: { ...seen.declaration, template: active.template } });
      return other.step.kind === 'resize' ? { ...decision, step: other.step } : decision;
    },
  },
  {
    name: 'it does not tell sidecars where sessions may go',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map((set) => told(set, seen, plan)) }),
  },
  {
    name: 'it lets drained nodes stop while others join through them',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map(deafTo('staySeconds')) }),
  },
  {
    name: 'it does not tell sidecars in which trace they drain',
    plant: (plan) =>
      bend(
        (seen) => plan({ ...seen, sets: seen.sets.map(deafTo('traceparent')) }),
        (step) =>
          step.kind === 'tell' ? { ...step, settings: { ...step.settings, traceparent: '' } } : step,
      ),
  },
  {
    name: 'it takes pods down while others start',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      if (!/^no pod is taken down while/.test(decision.message)) return decision;
      const other = plan({ ...seen, sets: seen.sets.map(allReady) });
      return other.step.kind === 'resize' ? { ...decision, step: other.step } : decision;
    },
  },
  {
    name: 'it starts green beside versions that it may not join',
    plant: (plan) => (seen) => {
      const spec = { ...seen.blueGreen.spec, allowUnlistedVersions: true };
      return plan({ ...seen, blueGreen: { ...seen.blueGreen, spec } });
    },
  },
  {
    name: 'it forgets the stopped nodes',
    plant: (plan) => (seen) =>
      plan({ ...seen, sets: seen.sets.map((set) => withNodes(set, (status) => status === 'running')) }),
  },
  {
    name: 'it goes on though a drain that took too long is to be held',
    plant: (plan) => (seen) => {
      const spec = { ...seen.blueGreen.spec, onDrainTimeout: 'Proceed' as const };
      return plan({ ...seen, blueGreen: { ...seen.blueGreen, spec } });
    },
  },
  {
    name: 'it counts the time of a note of an evacuation that does not run',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step } = decision;
      if (step.kind !== 'evacuate' || isReported(step.node, seen)) return decision;
      const set = seen.sets.find(({ kind }) => kind === 'declaration');
      const note = set?.pods.find(({ name }) => name === step.pod)?.evacuationNote;
      const tookMs = seen.nowMs - (note?.acceptedAtMs ?? 0);
      if (!set || !note || tookMs <= seen.blueGreen.spec.drainTimeoutSeconds * 1000) return decision;
      return { ...decision, step: { kind: 'resize', set: set.name, to: set.size - 1, because: '' } };
    },
  },
  {
    name: 'it lets people try a green that is not ready',
    plant: (plan) => (seen) => {
      const { step, ...decision } = plan(seen);
      const { wantedRevision } = decision;
      return {
        ...decision,
        step: step.kind === 'pointPreview' ? { ...step, revision: wantedRevision } : step,
      };
    },
  },
  {
    name: 'it leaves triggers that are done with',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      if (decision.step.kind !== 'clearTriggers') return decision;
      return plan({ ...seen, declaration: { ...seen.declaration, promote: '', abort: '', retry: '' } });
    },
  },
  {
    name: 'it switches the Services to a revision that nobody runs',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step, activeRevision } = decision;
      if (step.kind !== 'pointServices' || step.revision === activeRevision) return decision;
      return { ...decision, step: { ...step, revision: 'zzzzzzzzz' } };
    },
  },
  {
    name: 'it forgets to pin the Service again',
    plant: (plan) => (seen) => {
      const isStripped = seen.services.some(({ revision }) => revision === undefined);
      const revision = seen.sets.find(({ name }) => name === seen.blueGreen.status?.active)?.revision;
      if (!isStripped || revision === undefined) return plan(seen);
      return plan({
        ...seen,
        services: seen.services.map((service) => ({ ...service, revision, managed: true })),
      });
    },
  },
  {
    name: 'it mends nothing in a pause',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      return decision.phase === 'Paused' ? { ...decision, step: { kind: 'wait', forMs: 1_000 } } : decision;
    },
  },
  {
    name: 'it takes a pod that was restarted for a member',
    plant: (plan) =>
      bend(plan, (step, { sets }) => {
        const restarted = sets.flatMap(({ pods }) => pods).filter(({ restarts }) => restarts > 0);
        const isOf = (node: string): boolean => restarted.some(({ report }) => report?.self === node);
        return step.kind === 'leave' && isOf(step.node) ? { kind: 'wait', forMs: 1_000 } : step;
      }),
  },
];

function isReported(node: string, { sets }: Observed): boolean {
  return sets.some(({ pods }) =>
    pods.some(({ report }) => report?.evacuations.some((evacuation) => evacuation.node === node)),
  );
}

function bend(plan: Planner, change: (step: Step, seen: Observed) => Step): Planner {
  return (seen) => {
    const decision: Decision = plan(seen);
    return { ...decision, step: change(decision.step, seen) };
  };
}

function allReady(set: NodeSet): NodeSet {
  return {
    ...set,
    pods: set.pods.map((pod) =>
      pod.terminating ? pod : { ...pod, ready: true, problem: '', failing: false },
    ),
  };
}

function settled(service: ClientService, seen: Observed): ClientService {
  const set = seen.sets.find(({ revision }) => revision === service.revision);
  const readyPods = (set?.pods ?? []).filter(({ terminating }) => !terminating).map(({ name }) => name);
  return { ...service, readyPods };
}

/** As if every sidecar had been told already: what the plan would tell is what it sees. */
function told(set: NodeSet, seen: Observed, plan: Planner): NodeSet {
  const { step } = plan(seen);
  if (step.kind !== 'tell') return set;
  const pods = set.pods.map((pod) =>
    pod.report && step.pods.includes(pod.name)
      ? { ...pod, report: { ...pod.report, settings: step.settings } }
      : pod,
  );
  return { ...set, pods };
}

/** As if the switch had been long ago. */
function longSwitched(blueGreen: Observed['blueGreen']): Observed['blueGreen'] {
  const { upgrade } = blueGreen.status ?? {};
  if (!upgrade) return blueGreen;
  const switchedAt = new Date(0).toISOString();
  return { ...blueGreen, status: { ...blueGreen.status, upgrade: { ...upgrade, switchedAt } } };
}

/** As if no sidecar knew of that setting. */
function deafTo(name: 'staySeconds' | 'traceparent'): (set: NodeSet) => NodeSet {
  return (set) => ({
    ...set,
    pods: set.pods.map((pod) => {
      if (!pod.report) return pod;
      const settings = { ...pod.report.settings };
      delete settings[name];
      return { ...pod, report: { ...pod.report, settings } };
    }),
  });
}

function withNodes(set: NodeSet, keep: (status: string) => boolean): NodeSet {
  const pods = set.pods.map((pod) =>
    pod.report
      ? {
          ...pod,
          report: { ...pod.report, nodes: pod.report.nodes.filter(({ node_status }) => keep(node_status)) },
        }
      : pod,
  );
  return { ...set, pods };
}
