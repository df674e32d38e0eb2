import { describe, expect, it } from '@jest/globals';
import { fleetMembers } from './members.js';

describe('fleetMembers', () => {
  const fleet = fleetMembers(3000, 10, 'r');
  const count = (is: (member: (typeof fleet)[number]) => boolean) => fleet.filter(is).length;

  it('is half MQTT 5, half persistent, in all four mixes', () => {
    expect(count((m) => m.protocolVersion === 5)).toBe(1500);
    expect(count((m) => m.isPersistent)).toBe(1500);
    expect(count((m) => m.isPersistent && m.protocolVersion === 5)).toBe(750);
  });

  it('lets only clients without a session publish', () => {
    expect(count((m) => m.isPublisher)).toBe(10);
    expect(count((m) => m.isPublisher && m.isPersistent)).toBe(0);
  });

  it('gives every client a name and a topic of its own', () => {
    expect(new Set(fleet.map((m) => m.clientId)).size).toBe(3000);
    expect(new Set(fleet.map((m) => m.topic)).size).toBe(3000);
  });
});
