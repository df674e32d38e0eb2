import { generateKeyPair, randomBytes, sign as signBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { Pair } from './pair.js';

/** Serving and client certificates work from a day before they were made: the machines' clocks may differ. */
export const BACKDATE_MS = 24 * 60 * 60 * 1000;
const RSA_BITS = 2048;
const makeKeys = promisify(generateKeyPair);

export interface Lifetime {
  nowMs: number;
  /** Counted from `nowMs`. */
  days: number;
  /** How long before `nowMs` it is valid already; {@link BACKDATE_MS} when absent. */
  backdateMs?: number;
}

/** Makes a certificate authority that signs itself. Every one has a name of its own, so that two never mix up. */
export async function makeCa(name: string, life: Lifetime): Promise<Pair> {
  const serial = makeSerial();
  const subject = [{ name: 'commonName', value: `${name} ${serial.slice(0, 8)}` }];
  const keys = await makeRsaKeys();
  const cert = draft(keys.publicKey, serial, life);
  cert.setSubject(subject);
  cert.setIssuer(subject);
  cert.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return sign(cert, keys.privatePem, keys.privatePem);
}

export type Usage = { kind: 'server'; dnsNames: string[] } | { kind: 'client'; name: string };

/** Issues a certificate for one use. It ends no later than its CA. */
export async function issue(ca: Pair, usage: Usage, life: Lifetime): Promise<Pair> {
  const authority = forge.pki.certificateFromPem(ca.cert);
  const keys = await makeRsaKeys();
  const cert = draft(keys.publicKey, makeSerial(), life);
  if (cert.validity.notAfter > authority.validity.notAfter) {
    cert.validity.notAfter = authority.validity.notAfter;
  }
  cert.setSubject([
    { name: 'commonName', value: usage.kind === 'client' ? usage.name : commonNameOf(usage.dnsNames) },
  ]);
  cert.setIssuer(authority.subject.attributes);
  cert.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: usage.kind === 'server', clientAuth: usage.kind === 'client' },
    {
      name: 'authorityKeyIdentifier',
      keyIdentifier: authority.generateSubjectKeyIdentifier().getBytes(),
    },
    ...(usage.kind === 'server'
      ? [{ name: 'subjectAltName', altNames: usage.dnsNames.map((value) => ({ type: 2, value })) }]
      : []),
  ]);
  return sign(cert, ca.key, keys.privatePem);
}

/** X.509 allows 64 characters; verifiers read the alternative names alone. */
function commonNameOf([first = '']: string[]): string {
  return first.slice(0, 64);
}

function draft(
  publicKey: forge.pki.PublicKey,
  serial: string,
  { nowMs, days, backdateMs = BACKDATE_MS }: Lifetime,
): forge.pki.Certificate {
  const cert = forge.pki.createCertificate();
  cert.publicKey = publicKey;
  cert.serialNumber = serial;
  cert.validity.notBefore = new Date(nowMs - backdateMs);
  cert.validity.notAfter = new Date(nowMs + days * 24 * 60 * 60 * 1000);
  return cert;
}

/** Private keys are used by Node's own crypto alone: constant time, and a fiftieth of the time. */
function sign(cert: forge.pki.Certificate, caKey: string, key: string): Pair {
  const algorithm = forge.pki.oids['sha256WithRSAEncryption'] ?? '';
  cert.signatureOid = algorithm;
  cert.siginfo.algorithmOid = algorithm;
  const [toBeSigned] = forge.pki.certificateToAsn1(cert).value as [forge.asn1.Asn1];
  const signed = forge.asn1.toDer(toBeSigned).getBytes();
  cert.signature = signBytes('sha256', Buffer.from(signed, 'latin1'), caKey).toString('latin1');
  return { cert: forge.pki.certificateToPem(cert).replaceAll('\r', ''), key };
}

/** Node's own generator: node-forge's takes seconds of the one thread. */
async function makeRsaKeys(): Promise<{ publicKey: forge.pki.PublicKey; privatePem: string }> {
  const { publicKey, privateKey } = await makeKeys('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { publicKey: forge.pki.publicKeyFromPem(publicKey), privatePem: privateKey };
}

/** 16 random bytes in hex, the first digit small: RFC 5280 wants a positive number. */
function makeSerial(): string {
  return `1${randomBytes(16).toString('hex').slice(1)}`;
}
