import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readServiceAccount } from '../../lib/service-account.js';

describe('readServiceAccount', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'service-account-'));
    writeFileSync(join(folder, 'ca.crt'), 'the CA');
    writeFileSync(join(folder, 'token'), 'first\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('reads where the API server is, its CA, and the token', async () => {
    const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };
    const account = await readServiceAccount(environment, folder);
    expect(account?.origin.href).toBe('https://10.96.0.1:6443/');
    expect(account?.ca).toBe('the CA');
    expect(await account?.token()).toBe('first');
  });

  it('knows IPv6', async () => {
    const account = await readServiceAccount({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder);
    expect(account?.origin.href).toBe('https://[fd00::1]/');
  });

  it('is nothing outside a pod, and without a mounted token', async () => {
    expect(await readServiceAccount({}, folder)).toBeUndefined();
    rmSync(join(folder, 'token'));
    expect(await readServiceAccount({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, folder)).toBeUndefined();
  });
});
