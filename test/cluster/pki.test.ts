import { expect, it } from '@jest/globals';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { makeAuthority } from './pki.js';

it('what an authority issues verifies against it, carries its subject and addresses, and fits its key', () => {
  const authority = makeAuthority('test-ca');
  const issued = authority.issue({
    user: 'me',
    group: 'us',
    addresses: ['10.0.0.1'],
    names: ['host.example'],
  });
  const ca = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(issued.certificate);
  expect(ca.ca).toBe(true);
  expect(leaf.checkIssued(ca)).toBe(true);
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.subject).toBe('CN=me\nO=us');
  expect(leaf.checkIP('10.0.0.1')).toBe('10.0.0.1');
  expect(leaf.checkHost('host.example')).toBe('host.example');
  expect(leaf.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
  expect(leaf.verify(new X509Certificate(makeAuthority('other').certificate).publicKey)).toBe(false);
});
