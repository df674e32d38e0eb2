import type { ClientService, Decision, NodeSet, Observed, Pod, Step } from './adapter.js';
import type { Planner } from './run.js';
import type { Invariant } from './world.js';

/** A plan with one thing wrong, made from the right one by bending what it sees or what it decides. */
export interface Fault {
  name: string;
  /** What it breaks, by name: another violation that it leads to as well proves nothing of this one. */
  breaks: Invariant;
  /** What is said of it, where one name stands for several things. */
  tells?: RegExp;
  plant: (plan: Planner) => Planner;
}

export const FAULTS: Fault[] = [
  {
    name: 'it switches to a green that is not ready',
    breaks: 'switch',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map(allReady) }),
  },
  {
    name: 'it does not wait for the endpoints, nor for the delay',
    breaks: 'moved once',
    tells: /asked to move twice/,
    plant: (plan) => (seen) => {
      const services = seen.services.map((service) => settled(service, seen));
      return plan({ ...seen, blueGreen: longSwitched(seen.blueGreen), services });
    },
  },
  {
    name: 'it takes a set down at once instead of pod by pod',
    breaks: 'drains at once',
    plant: (plan) =>
      bend(plan, (step) =>
        step.kind === 'resize' && /drains/.test(step.because) ? { ...step, to: 0 } : step,
      ),
  },
  {
    name: 'it goes on draining blue though a newer revision waits',
    breaks: 'moved once',
    tells: /waits for its turn/,
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const active = seen.sets.find(({ name }) => name === decision.active);
      if (decision.step.kind !== 'wait' || !active) return decision;
      const other = plan({ ...seen, declaration: { ...seen.declaration, template: active.template } });
      const drains = other.step.kind === 'resize' && /drains/.test(other.step.because);
      return drains ? { ...decision, step: other.step } : decision;
    },
  },
  {
    name: 'it does not tell sidecars where sessions may go',
    breaks: 'recipients',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map((set) => told(set, seen, plan)) }),
  },
  {
    name: 'it lets drained nodes stop while others join through them',
    breaks: 'joins',
    tells: /joins through it/,
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map(deafTo('staySeconds')) }),
  },
  {
    name: 'it does not tell sidecars in which trace they drain',
    breaks: 'trace',
    plant: (plan) =>
      bend(
        (seen) => plan({ ...seen, sets: seen.sets.map(deafTo('traceparent')) }),
        (step) =>
          step.kind === 'tell' ? { ...step, settings: { ...step.settings, traceparent: '' } } : step,
      ),
  },
  {
    name: 'it takes pods down while others start',
    breaks: 'joins',
    tells: /is starting/,
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      if (!/^no pod is taken down while/.test(decision.message)) return decision;
      const other = plan({ ...seen, sets: seen.sets.map(allReady) });
      return other.step.kind === 'resize' ? { ...decision, step: other.step } : decision;
    },
  },
  {
    name: 'it starts green beside versions that it may not join',
    breaks: 'versions',
    plant: (plan) => (seen) => {
      const spec = { ...seen.blueGreen.spec, allowUnlistedVersions: true };
      return plan({ ...seen, blueGreen: { ...seen.blueGreen, spec } });
    },
  },
  {
    name: 'it forgets the stopped nodes',
    breaks: 'rest',
    tells: /the EMQX cluster still knows/,
    plant: (plan) => (seen) =>
      plan({ ...seen, sets: seen.sets.map((set) => withNodes(set, (status) => status === 'running')) }),
  },
  {
    name: 'it goes on though a drain that took too long is to be held',
    breaks: 'held drain',
    plant: (plan) => (seen) => {
      const spec = { ...seen.blueGreen.spec, onDrainTimeout: 'Proceed' as const };
      return plan({ ...seen, blueGreen: { ...seen.blueGreen, spec } });
    },
  },
  {
    name: 'it counts the time of a note of an evacuation that does not run',
    breaks: 'sessions kept',
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
    breaks: 'preview',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step, wantedRevision: revision } = decision;
      const green = seen.sets.find((set) => set.revision === revision);
      if (!green || green.pods.length === 0 || revision === decision.activeRevision) return decision;
      if (step.kind !== 'wait' || !seen.preview || seen.preview.kind !== 'found') return decision;
      if (seen.preview.revision === revision) return decision;
      return { ...decision, step: { kind: 'pointPreview', service: seen.preview.name, revision } };
    },
  },
  {
    name: 'it leaves triggers that are done with',
    breaks: 'rest',
    tells: /a trigger is left/,
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      if (decision.step.kind !== 'clearTriggers') return decision;
      return plan({ ...seen, declaration: { ...seen.declaration, promote: '', abort: '', retry: '' } });
    },
  },
  {
    name: 'it switches the Services to a revision that nobody runs',
    breaks: 'reach',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step, activeRevision } = decision;
      if (step.kind !== 'pointServices' || step.revision === activeRevision) return decision;
      return { ...decision, step: { ...step, revision: 'zzzzzzzzz' } };
    },
  },
  {
    name: 'it points the Services at a revision that nobody runs while a part of blue serves',
    breaks: 'reach',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const active = seen.sets.find(({ revision }) => revision === decision.activeRevision);
      const ready = active?.pods.filter((pod) => pod.ready).length ?? 0;
      const isDegraded = active !== undefined && ready > 0 && ready < active.size;
      if (!isDegraded || decision.step.kind !== 'wait') return decision;
      const services = seen.services.map((service) => service.name);
      return { ...decision, step: { kind: 'pointServices', services, revision: 'zzzzzzzzz' } };
    },
  },
  {
    name: 'it forgets to pin the Service again',
    breaks: 'pinned',
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
    breaks: 'pause',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      return decision.phase === 'Paused' ? { ...decision, step: { kind: 'wait', forMs: 1_000 } } : decision;
    },
  },
  {
    name: 'it takes a pod that was restarted for a member',
    breaks: 'pause',
    plant: (plan) =>
      bend(plan, (step, { sets }) => {
        const restarted = sets.flatMap(({ pods }) => pods).filter(({ restarts }) => restarts > 0);
        const isOf = (node: string): boolean => restarted.some(({ report }) => report?.self === node);
        return step.kind === 'leave' && isOf(step.node) ? { kind: 'wait', forMs: 1_000 } : step;
      }),
  },
  {
    name: 'it labels the pods of an adopted set as those of green',
    breaks: 'one colour',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step, wantedRevision: revision } = decision;
      return step.kind === 'labelPods' ? { ...decision, step: { ...step, revision } } : decision;
    },
  },
  {
    name: 'it makes room for green by a node of blue',
    breaks: 'serving',
    plant: (plan) => (seen) => {
      const decision = plan(seen);
      const { step, active, wanted } = decision;
      const blue = seen.sets.find((set) => set.name === active && set.kind === 'revisionSet');
      if (step.kind !== 'makeSet' || active === wanted || !blue || blue.size < 2) return decision;
      return { ...decision, step: { kind: 'resize', set: active, to: blue.size - 1, because: '' } };
    },
  },
  {
    name: 'it makes a set of one template under the name of another',
    breaks: 'template',
    plant: (plan) =>
      bend(plan, (step) =>
        step.kind === 'makeSet' ? { ...step, name: 'emqx-zzzzzzzzz', revision: 'zzzzzzzzz' } : step,
      ),
  },
  {
    name: 'it switches to nodes whose claims go with the declaration',
    breaks: 'claims',
    plant: (plan) => (seen) =>
      plan({ ...seen, claims: seen.claims.map((claim) => ({ ...claim, owned: false })) }),
  },
  {
    name: 'it lets go before the size that was asked for is back',
    breaks: 'hand-back',
    plant: (plan) =>
      bend(plan, (step, { declaration }) =>
        step.kind === 'resize' && step.set === declaration.name && declaration.handingBack
          ? { kind: 'letGo' }
          : step,
      ),
  },
  {
    name: 'it takes every evacuation of a node without a sidecar for its own',
    breaks: 'foreign evacuations',
    plant: (plan) => (seen) => plan({ ...seen, sets: seen.sets.map((set) => noted(set, seen)) }),
  },
];

/** As if Sluice had begun each evacuation that goes on. */
function noted(set: NodeSet, { sets }: Observed): NodeSet {
  const evacuated = sets.flatMap(({ pods }) =>
    pods.flatMap(({ report }) => report?.evacuations.map(({ node }) => node) ?? []),
  );
  const isEvacuated = ({ name }: Pod): boolean => evacuated.some((node) => node.includes(`@${name}.`));
  const pods = set.pods.map((pod) =>
    isEvacuated(pod) ? { evacuationNote: { acceptedAtMs: 0 }, ...pod } : pod,
  );
  return { ...set, pods };
}

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
