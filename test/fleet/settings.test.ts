import { describe, expect, it } from '@jest/globals';
import { UsageError, isAllowedHost, parseFleetSettings } from './settings.js';

describe('parseFleetSettings', () => {
  it('needs nothing but a host', () => {
    expect(parseFleetSettings(['--host', '127.0.0.1'], 0)).toMatchObject({
      clients: 3000,
      backOffMaxSeconds: 5,
    });
  });

  it.each([
    [[], '--host is required'],
    [['--host', '8.8.8.8'], 'neither a loopback'],
    [['--host', 'localhost', '--clients', '0'], '--clients must be a whole number from 1'],
    [['--host', 'localhost', '--clients', 'many'], "not 'many'"],
    [['--host', 'localhost', '--back-off-max', '0.5'], '--back-off-max must not be below'],
    [['--host', 'localhost', '--run', 'a/b'], '--run takes'],
    [['--hots', 'localhost'], '--hots'],
  ])('refuses %j', (args, message) => {
    expect(() => parseFleetSettings(args, 0)).toThrow(UsageError);
    expect(() => parseFleetSettings(args, 0)).toThrow(message);
  });

  it('names everything that is wrong at once', () => {
    expect(() => parseFleetSettings(['--clients', '0', '--port', '0'], 0)).toThrow(
      /clients.*\n.*port|port.*\n.*clients/s,
    );
  });

  it('answers --help without a host', () => expect(parseFleetSettings(['--help'], 0)).toBe('help'));
});

describe('isAllowedHost', () => {
  it.each([
    '127.0.0.1',
    '::1',
    'localhost',
    '10.96.0.9',
    '172.16.0.1',
    '192.168.1.1',
    'fd00::1',
    'emqx.demo.svc',
  ])('takes %s', (host) => expect(isAllowedHost(host)).toBe(true));
  it.each([
    '1.2.3.4',
    '172.32.0.1',
    'broker.example.com',
    'emqx',
    'svc',
    '2001:db8::1',
    'x.svc.example.com.',
  ])('refuses %s', (host) => expect(isAllowedHost(host)).toBe(false));
});
