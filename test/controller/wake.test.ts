import { expect, it } from '@jest/globals';
import type { Metadata } from '../../controller/kube/watch.js';
import { makeWakeIndex } from '../../controller/wake.js';
import { LABEL } from '../../lib/names.js';
import { setNameOf } from '../../lib/revision.js';

const REVISION = 'bbbbbbbbb';
const LONG = 'my-production-messaging-emqx-enterprise-cluster';

function metadata(name: string, change: Partial<Metadata>): Metadata {
  const rest = { resourceVersion: '1', generation: 1, deleting: false, labels: {}, annotations: {} };
  return { namespace: 'mq', name, uid: `uid-${name}`, ...rest, ...change };
}

it.each(['emqx', LONG])('the last pod of %s wakes it, though its sets and itself have gone', (name) => {
  const index = makeWakeIndex();
  const setName = setNameOf(name, REVISION);
  const declaration = metadata(name, { labels: { [LABEL.upgrade]: 'blue-green' } });
  const set = metadata(setName, { labels: { [LABEL.declaration]: name, [LABEL.revision]: REVISION } });
  const pod = metadata(`${setName}-0`, {
    labels: { [LABEL.revision]: REVISION },
    deleting: true,
    controller: { kind: 'StatefulSet', name: setName, uid: set.uid },
  });
  index.concerned('statefulSets', declaration, 'seen');
  index.concerned('statefulSets', set, 'seen');
  index.concerned('statefulSets', declaration, 'gone');
  expect(index.concerned('statefulSets', set, 'gone')).toEqual([`mq/${name}`]);
  expect(index.concerned('pods', pod, 'gone')).toEqual([`mq/${name}`]);
});
