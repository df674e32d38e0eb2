import { describe, expect, it } from '@jest/globals';
import type { ControlMaterial } from '../../certs/control.js';
import { makeControl } from '../../controller/control.js';

const pair = { cert: 'PEM', key: 'secret key' };
const material: ControlMaterial = { ca: pair, client: pair };
const unreadable = new Error('secret sluice-control has no readable CA; restore it');

describe('the control certificates of a leader', () => {
  it('are told of at once when they cannot be had, with what to do, and are there when they come', async () => {
    const control = makeControl('sluice-system');
    control.miss(unreadable);
    await control.told;
    expect(control.trouble()).toContain(
      'in namespace sluice-system: secret sluice-control has no readable CA',
    );
    expect(() => control.material()).toThrow('restore it');
    control.keep(material);
    expect(control.trouble()).toBeUndefined();
    expect(control.material()).toBe(material);
  });

  it('hold good when their Secret is lost later', async () => {
    const control = makeControl('sluice-system');
    control.keep(material);
    await control.told;
    control.miss(unreadable);
    expect(control.trouble()).toBeUndefined();
    expect(control.material()).toBe(material);
  });
});
