import { describe, expect, it } from '@jest/globals';
import { parseBootstrap } from './api/keys.js';
import { changeSwitches, readSettings, SettingsError } from './settings.js';

describe('settings', () => {
  it.each([
    [{ EMQX_NODE_NAME: 'a@b', EMQX_NODE__NAME: 'c@d', EMQX_HOST: 'h' }, 'a@b'],
    [{ EMQX_NODE__NAME: 'c@d', EMQX_HOST: 'h' }, 'c@d'],
    [{ EMQX_NAME: 'n', EMQX_HOST: 'h' }, 'n@h'],
    [{ EMQX_HOST: 'h' }, 'emqx@h'],
  ])('node name of %j is %s', (env, node) => expect(readSettings(env).node).toBe(node));

  it('reads a path in double quotes', () => {
    expect(readSettings({ EMQX_HOST: 'h', EMQX_API_KEY__BOOTSTRAP_FILE: '"/a b"' }).bootstrapFile).toBe(
      '/a b',
    );
  });

  it('binds to the address of a loopback name, else to all', () => {
    expect([readSettings({ EMQX_HOST: '127.0.0.9' }).bind, readSettings({ EMQX_HOST: 'h' }).bind]).toEqual([
      '127.0.0.9',
      '0.0.0.0',
    ]);
  });

  it.each(['5.8.9', '5.9.0', '6.0.1'])(
    'lets others join in %s without a licence key only before 5.9',
    (version) => {
      expect(readSettings({ EMQX_HOST: 'h', STANDIN_VERSION: version }).hasSingleNodeLicence).toBe(
        version !== '5.8.9',
      );
    },
  );

  it.each([
    { EMQX_NODE_NAME: 'nohost' },
    { EMQX_HOST: 'h', EMQX_CLUSTER__DISCOVERY_STRATEGY: 'dns' },
    { EMQX_HOST: 'h', EMQX_CLUSTER__DISCOVERY_STRATEGY: 'etcd' },
    { EMQX_HOST: 'h', STANDIN_BOOT_MS: 'long' },
    { EMQX_HOST: 'h', STANDIN_API: 'odd' },
  ])('refuses %j', (env) => expect(() => readSettings(env)).toThrow(SettingsError));

  it('changes only switches that exist, to values that they take', () => {
    const { switches } = readSettings({ EMQX_HOST: 'h' });
    expect(changeSwitches(switches, { api: 'hang', statusDelayMs: 5 })).toEqual({
      ...switches,
      api: 'hang',
      statusDelayMs: 5,
    });
    for (const bad of [{ other: 1 }, { api: 'odd' }, { isDurable: 1 }, null])
      expect(() => changeSwitches(switches, bad)).toThrow(SettingsError);
  });
});

describe('bootstrap file', () => {
  it('is read up to the first bad line', () => {
    expect([...parseBootstrap('a:1\n\nb:2:viewer\n# no comments\nc:3\n', true)]).toEqual([
      ['a', { secret: '1', role: 'administrator' }],
      ['b', { secret: '2', role: 'viewer' }],
    ]);
  });
});
