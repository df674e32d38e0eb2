import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import { refusalOf } from '../../uninstall/refusal.js';

const INSTALLATION = { release: 'edge', namespace: 'ops', revision: '4' };

function set(name: string, labels: JsonObject, namespace = 'mq'): JsonObject {
  return { metadata: { name, namespace, labels } };
}

const labelled = set('emqx', { [LABEL.upgrade]: 'blue-green', [LABEL.managed]: 'true' });
const handedBack = set('emqx', { [LABEL.managed]: 'true' });
const revisionSet = set('emqx-bcdfghjkl', { [LABEL.declaration]: 'emqx', [LABEL.revision]: 'bcdfghjkl' });

/** The lines that name a StatefulSet. */
function listed(...sets: JsonObject[]): string[] {
  return (refusalOf({ sets, services: [] }, INSTALLATION) ?? '')
    .split('\n')
    .filter((line) => line.startsWith('- '));
}

describe('uninstalling', () => {
  it('is not refused when nothing is left', () => {
    expect(refusalOf({ sets: [], services: [] }, INSTALLATION)).toBeUndefined();
  });

  it.each<{ what: string; sets: JsonObject[]; says: string[] }>([
    {
      what: 'a declaration',
      sets: [labelled],
      says: [
        '- statefulset/emqx in namespace mq is managed: remove the label (kubectl label statefulset emqx --namespace mq sluice.dev/upgrade-), and wait until it is handed back',
      ],
    },
    {
      what: 'one that the webhook has not seen',
      sets: [set('emqx', { [LABEL.upgrade]: 'blue-green' })],
      says: [expect.stringContaining('statefulset/emqx in namespace mq is managed') as unknown as string],
    },
    {
      what: 'one whose label means nothing now',
      sets: [set('emqx', { [LABEL.upgrade]: 'canary', [LABEL.managed]: 'true' })],
      says: [expect.stringContaining('remove the label') as unknown as string],
    },
    {
      what: 'one that is being handed back',
      sets: [handedBack],
      says: [
        '- statefulset/emqx in namespace mq is being handed back: wait, and follow with kubectl get bluegreen emqx --namespace mq -o wide -w; its message says what is waited for. At 0 nodes with data on claims that is a node: kubectl scale statefulset emqx --namespace mq --replicas=1',
      ],
    },
    {
      what: 'a revision set of a declaration',
      sets: [revisionSet, handedBack],
      says: [
        expect.stringContaining('statefulset/emqx in namespace mq is being') as unknown as string,
        '- statefulset/emqx-bcdfghjkl in namespace mq runs the pods of statefulset/emqx: it goes with the hand-back of that one',
      ],
    },
    {
      what: 'a revision set whose declaration is in another namespace',
      sets: [revisionSet, set('emqx', { [LABEL.managed]: 'true' }, 'other')],
      says: [
        '- statefulset/emqx-bcdfghjkl in namespace mq was left by statefulset/emqx, which is gone or no longer managed: kubectl delete statefulset emqx-bcdfghjkl --namespace mq',
        expect.stringContaining('namespace other') as unknown as string,
      ],
    },
  ])('is refused because of $what, with what to do', ({ sets, says }) => {
    expect(listed(...sets)).toEqual(says);
  });

  it('names each once, though two lists have it', () => {
    expect(listed(labelled, revisionSet, labelled)).toHaveLength(2);
  });

  it('is refused because of a Service that is pinned to pods whose StatefulSet has gone, not of one that goes with a StatefulSet', () => {
    const services = [set('emqx', {}, 'gone'), set('emqx', {}), set('emqx', {}, 'gone')];
    const text = refusalOf({ sets: [handedBack], services }, INSTALLATION) ?? '';
    expect(text.split('\n').filter((line) => line.startsWith('- '))).toEqual([
      expect.stringContaining('statefulset/emqx in namespace mq is being handed back'),
      '- service/emqx in namespace gone is pinned to pods whose StatefulSet was deleted: it selects what you wrote when these have ended; delete those that nobody ends (kubectl get pods --namespace gone --selector sluice.dev/revision)',
    ]);
  });

  it('names the commands that go on from there, for this release', () => {
    const text = refusalOf({ sets: [labelled], services: [] }, INSTALLATION) ?? '';
    expect(text).toMatch(/^Sluice is still needed and was not uninstalled:\n/);
    expect(text).toContain('helm rollback edge 4 --namespace ops');
    expect(text).toContain('helm uninstall edge --namespace ops --no-hooks');
  });
});
