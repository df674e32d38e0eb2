import { describe, expect, it } from '@jest/globals';
import { DEMO_USAGE, DemoSettingsError, demoSettings } from './settings.js';

describe('demoSettings', () => {
  it('is an upgrade with 3,000 clients by default', () => {
    expect(demoSettings({}).upgrade).toEqual({
      strategy: 'blue-green',
      clients: 3000,
      nodes: 3,
      connEvictRate: 200,
      sessEvictRate: 200,
      waitTakeoverSeconds: 6,
      initialDelaySeconds: 5,
    });
  });

  it('takes an empty variable as unset, as make passes it', () => {
    expect(demoSettings({ STRATEGY: '', CLIENTS: '', KEEP: '' })).toEqual(demoSettings({}));
  });

  it.each([
    [{ STRATEGY: 'rolling' }, { upgrade: { strategy: 'rolling' } }],
    [{ CLIENTS: '60', RATE: '100' }, { upgrade: { clients: 60, connEvictRate: 100, sessEvictRate: 100 } }],
    [{ KEEP: '1' }, { isKept: true }],
    [{ KEEP: '0' }, { isKept: false }],
  ])('%j', (env, settings) => expect(demoSettings(env)).toMatchObject(settings));

  it('names everything that is wrong in one error', () => {
    const read = () => demoSettings({ STRATEGY: 'magic', CLIENTS: '0', NAMESPACE: 'A_B' });
    expect(read).toThrow(DemoSettingsError);
    expect(read).toThrow(/STRATEGY.*\n.*NAMESPACE.*\n.*CLIENTS/);
  });

  it('has a line of help for every variable that it reads', () => {
    const read = new Set<string>();
    demoSettings(
      new Proxy(
        {},
        {
          get: (_, name) => {
            read.add(String(name));
            return undefined;
          },
        },
      ),
    );
    for (const name of read) expect(DEMO_USAGE).toContain(`${name}=`);
    expect(read.size).toBeGreaterThan(8);
  });
});
