import { expect, it } from '@jest/globals';
import { givenFrom } from './given.js';
import { SettingsError, settingsFrom } from './settings.js';

it('two names never share a folder, a namespace, a device or a cgroup', () => {
  const [one, other] = ['one', 'other'].map((name) => settingsFrom({ SLUICE_CLUSTER: name }));
  for (const key of ['stateDir', 'netns', 'hostDevice', 'nodeAddress', 'cgroup', 'kubeconfig'] as const) {
    expect(one?.[key]).not.toBe(other?.[key]);
  }
});

it('a device named for the longest name still fits the kernel’s 15 characters', () => {
  expect(settingsFrom({ SLUICE_CLUSTER: 'ninechars' }).hostDevice.length).toBeLessThanOrEqual(15);
});

it.each(['', 'tencharsss', 'Upper', 'a/b', 'a-b'])('the name "%s" is refused', (name) => {
  expect(() => settingsFrom({ SLUICE_CLUSTER: name })).toThrow(SettingsError);
});

it.each(['/run', '/run/x', '/var/run/x'])(
  'state in %s, which the cluster does not see, is refused',
  (SLUICE_STATE) => {
    expect(() => settingsFrom({ SLUICE_STATE })).toThrow(SettingsError);
  },
);

it('without CONTEXT the local cluster is meant', () => {
  expect(givenFrom({ SLUICE_IMAGE: 'x' })).toBeUndefined();
});

it('with CONTEXT all that is missing is listed in one error', () => {
  const env = { CONTEXT: 'mine', FLEET_IMAGE: 'f', EMQX_LICENSE: '' };
  expect(() => givenFrom(env)).toThrow(
    'CONTEXT=mine is a cluster of your own, so these must be set too: ' +
      'SLUICE_IMAGE, EMQX_IMAGE_FROM, EMQX_IMAGE_TO, EMQX_LICENSE',
  );
});

it('with CONTEXT and the rest all is read', () => {
  const env = {
    CONTEXT: 'mine',
    SLUICE_IMAGE: 's',
    FLEET_IMAGE: 'f',
    EMQX_IMAGE_FROM: 'a',
    EMQX_IMAGE_TO: 'b',
    EMQX_LICENSE: 'l',
  };
  expect(givenFrom(env)).toEqual({
    context: 'mine',
    sluiceImage: 's',
    fleetImage: 'f',
    emqxImageFrom: 'a',
    emqxImageTo: 'b',
    emqxLicense: 'l',
  });
});
