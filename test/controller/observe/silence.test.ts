import { expect, it } from '@jest/globals';
import { makeSilence } from '../../../controller/observe/silence.js';

it('logs each cause once a pod, and again once the sidecar was heard', () => {
  const logged: unknown[] = [];
  const silence = makeSilence({ warn: (values: unknown) => void logged.push(values) });
  const reset = new Error('ECONNRESET');
  silence.silent('mq/a', reset);
  silence.silent('mq/a', reset);
  silence.silent('mq/b', reset);
  silence.silent('mq/a', new Error('late'));
  expect(logged).toMatchObject([{ pod: 'mq/a' }, { pod: 'mq/b' }, { pod: 'mq/a', err: { message: 'late' } }]);
  silence.heard('mq/b');
  silence.silent('mq/b', reset);
  expect(logged).toHaveLength(4);
});
