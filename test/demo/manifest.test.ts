import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { blueGreenManifests, emqxManifests, parseManifests } from './manifest.js';
import { demoSettings } from './settings.js';

const EMQX = readFileSync('examples/emqx.yaml', 'utf8');
const { upgrade } = demoSettings({});
const setOf = (manifests: ReturnType<typeof emqxManifests>) => {
  const set = manifests.find(({ kind }) => kind === 'StatefulSet');
  return set as unknown as {
    metadata: { labels: Record<string, string> };
    spec: {
      replicas: number;
      serviceName: string;
      template: { spec: { containers: { image: string; env: { name: string; value?: string }[] }[] } };
    };
  };
};

describe('the example', () => {
  it('is what the demo applies, to the letter', () => {
    expect(emqxManifests(EMQX, upgrade)).toEqual(parseManifests(EMQX));
  });

  it('names the real image, and is labelled', () => {
    const set = setOf(parseManifests(EMQX));
    expect(set.metadata.labels['sluice.dev/upgrade']).toBe('blue-green');
    expect(set.spec.template.spec.containers[0]?.image).toBe('emqx/emqx-enterprise:5.8.8');
  });

  it('has a headless Service that lists pods before they are ready', () => {
    const headless = parseManifests(EMQX).find(({ metadata }) => metadata.name === 'emqx-headless');
    expect(headless?.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(setOf(parseManifests(EMQX)).spec.serviceName).toBe('emqx-headless');
  });

  it('is the same but for the label in the baseline', () => {
    const labelled = setOf(emqxManifests(EMQX, upgrade));
    const rolling = setOf(emqxManifests(EMQX, { ...upgrade, strategy: 'rolling' }));
    expect(rolling.metadata.labels).toEqual({ app: 'emqx' });
    expect({ ...rolling, metadata: undefined }).toEqual({ ...labelled, metadata: undefined });
  });

  it('gets image and licence on a cluster of the user’s', () => {
    const set = setOf(emqxManifests(EMQX, upgrade, { image: 'reg/emqx:6.0.0', license: 'L' }));
    const [container] = set.spec.template.spec.containers;
    expect(container?.image).toBe('reg/emqx:6.0.0');
    expect(container?.env.find(({ name }) => name === 'EMQX_LICENSE__KEY')?.value).toBe('L');
  });

  it('has the demo’s rates and waits in its BlueGreen', () => {
    const text = readFileSync('examples/bluegreen.yaml', 'utf8');
    expect(blueGreenManifests(text, upgrade)).toEqual(parseManifests(text));
    const [other] = blueGreenManifests(text, { ...upgrade, connEvictRate: 7 });
    expect(other?.spec).toMatchObject({ updateStrategy: { evacuationStrategy: { connEvictRate: 7 } } });
  });

  it('does not swallow broken YAML', () => expect(() => parseManifests('a: [')).toThrow());
});
