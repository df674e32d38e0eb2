import { expect, it } from '@jest/globals';
import { makeSilence } from '../../../controller/observe/silence.js';
import { SidecarError } from '../../../controller/sidecars.js';

it('logs each cause once a pod, and again once the sidecar was heard', () => {
  const logged: unknown[] = [];
  const causes: unknown[] = [];
  const silence = makeSilence({ warn: (values: unknown) => void logged.push(values) }, (cause) =>
    causes.push(cause),
  );
  const reset = new Error('ECONNRESET');
  silence.silent('mq/a', reset);
  silence.silent('mq/a', reset);
  silence.silent('mq/b', reset);
  silence.silent('mq/a', new Error('late'));
  expect(logged).toMatchObject([
    { namespace: 'mq', pod: 'a' },
    { namespace: 'mq', pod: 'b' },
    { namespace: 'mq', pod: 'a', err: { message: 'late' } },
  ]);
  silence.heard('mq/b');
  silence.silent('mq/b', reset);
  expect(logged).toHaveLength(4);
  expect(causes).toHaveLength(5);
});

it('is sure that a sidecar turns the controller away when it did so three times in a row, and says so once', () => {
  const logged: { hint?: string }[] = [];
  const silence = makeSilence(
    { warn: (values: unknown) => void logged.push(values as { hint?: string }) },
    () => undefined,
  );
  const away = new SidecarError('ECONNRESET', 0);
  away.isTurnedAway = true;
  const silent = (cause: Error) => silence.silent('mq/a', cause);
  expect([away, away, new SidecarError('ECONNREFUSED', 0), away, away].map(silent)).not.toContain(true);
  silence.heard('mq/a');
  expect([away, away, away, away].map(silent)).toEqual([false, false, true, true]);
  expect(logged.filter(({ hint }) => hint?.includes('control CA'))).toHaveLength(1);
});
