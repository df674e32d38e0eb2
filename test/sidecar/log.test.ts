import { describe, expect, it } from '@jest/globals';
import { makeLog } from '../../sidecar/log.js';

function lines(level?: string): {
  log: ReturnType<typeof makeLog>;
  written: () => Record<string, unknown>[];
} {
  const written: string[] = [];
  const log = makeLog('sidecar', level, (line) => void written.push(line));
  return {
    log,
    written: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('makeLog', () => {
  it('writes a JSON object a line, with the keys of the other programs', () => {
    const { log, written } = lines();
    log.info({ node: 'emqx@a' }, 'joined');
    log.warn('drain gave up');
    expect(written()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        program: 'sidecar',
        node: 'emqx@a',
        msg: 'joined',
      },
      { level: 'warn', time: expect.any(String), program: 'sidecar', msg: 'drain gave up' },
    ]);
  });

  it('says what an error was, and what caused it', () => {
    const { log, written } = lines();
    log.error({ err: new TypeError('no', { cause: new Error('deep') }) }, 'look failed');
    expect(written()[0]?.['err']).toMatchObject({
      type: 'TypeError',
      message: 'no',
      stack: expect.stringContaining('TypeError: no'),
      cause: { message: 'deep' },
    });
  });

  it.each([
    ['debug', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['silent', []],
    ['loud', ['info', 'warn', 'error']],
  ])('at level %s lets %j through', (level, levels) => {
    const { log, written } = lines(level);
    log.info('a');
    log.warn('b');
    log.error('c');
    expect(written().map((line) => line['level'])).toEqual(levels);
  });
});
