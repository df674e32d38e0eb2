import type { SidecarReport } from '../../lib/control.js';
import { emqxContainer } from '../../lib/emqx-container.js';
import { BLUEGREEN } from '../../lib/names.js';
import type { Decision, Observed } from '../model.js';
import { counted } from '../../lib/words.js';
import type { Happening } from './happening.js';

/** What people must know beside what is waited for: added to the message, and told as events. */
export function notesOf(observed: Observed, { active: activeName, message: said }: Decision): Happening[] {
  const { sets, services, preview, declaration, leftAlone, autoscalers, blueGreen } = observed;
  const notes: Happening[] = [];
  for (const { name, report } of sets.flatMap(({ pods }) => pods)) {
    const happening = report && gaveUp(name, report);
    if (happening) notes.push(happening);
  }
  const active = sets.find(({ name }) => name === activeName);
  if (active?.outdated && active.outdated.length > 0) {
    const message = `${active.name} was made with another ${active.outdated.join(' and ')}, whose new value holds in full from the next revision on (kubectl rollout restart statefulset ${declaration.name})`;
    notes.push({ type: 'Normal', reason: 'HeldForNextRevision', message });
  }
  for (const { name, size, changedAtCreation = [] } of sets) {
    if (size === 0 || changedAtCreation.length === 0) continue;
    const message = `StatefulSet ${name} was changed by a policy of the cluster when it was created (${changedAtCreation.slice(0, 5).join(', ')} of its template), and runs as it came back; exempt StatefulSets with label sluice.dev/revision from that policy, or have it change ${declaration.name} too, if that is not meant`;
    notes.push({ type: 'Warning', reason: 'ChangedAtCreation', message });
  }
  for (const { name, podTargets } of services) {
    if (podTargets === undefined) continue;
    const message = `the load balancer of Service ${name} sends clients to pods directly (${podTargets}): give it a deregistration delay longer than a whole upgrade's drains, or it cuts blue's clients off at the switch`;
    notes.push({ type: 'Warning', reason: 'LoadBalancerTargetsPods', message });
  }
  // Where nothing can be switched, the wait says so itself.
  for (const message of leftAlone)
    if (!said.includes(message)) notes.push({ type: 'Warning', reason: 'ServiceLeftAlone', message });
  // What is handed back is its own again, and so are they.
  for (const name of declaration.handingBack ? [] : autoscalers) {
    const message = `HorizontalPodAutoscaler ${name} targets StatefulSet ${declaration.name}, which has 0 replicas once an upgrade has left its own pods, and so does nothing: let its spec.scaleTargetRef name BlueGreen ${declaration.name} (apiVersion ${BLUEGREEN.group}/${BLUEGREEN.version})`;
    notes.push({ type: 'Warning', reason: 'AutoscalerTargetsStatefulSet', message });
  }
  const emqx = emqxContainer(declaration.template, blueGreen.spec.emqx);
  // A wait for it says so itself; at rest the next edit would wait.
  if ('refused' in emqx && !said.includes(emqx.refused) && !declaration.handingBack)
    notes.push({ type: 'Warning', reason: 'ContainerUnknown', message: emqx.refused });
  if (preview?.kind === 'unusable')
    notes.push({ type: 'Warning', reason: 'PreviewUnusable', message: preview.why });
  if (preview?.kind === 'found' && blueGreen.status?.services?.includes(preview.name)) {
    const message = `Service ${preview.name}, by which clients came, is the preview Service from now on: when an upgrade begins it reaches nobody until green is ready`;
    notes.push({ type: 'Warning', reason: 'PreviewHadClients', message });
  }
  return notes;
}

/** That a pod let EMQX stop with sessions left, and why. */
export function gaveUp(pod: string, { gate }: SidecarReport): Happening | undefined {
  if (gate.kind !== 'gaveUp') return undefined;
  const message = `${pod} stopped with ${counted(gate.sessionsLost, 'session')} left: ${gate.detail}`;
  return { type: 'Warning', reason: 'DrainGaveUp', message };
}
