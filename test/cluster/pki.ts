import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import forge from 'node-forge';

/** A certificate and its key, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  readonly user: string;
  readonly group?: string;
  /** Addresses and names that a serving certificate is good for. */
  readonly addresses?: readonly string[];
  readonly names?: readonly string[];
}

export interface Authority {
  readonly certificate: string;
  issue(subject: Subject): Credential;
}

const validDays = 30;

/** Makes a certificate authority for one cluster's life. All leaves share a key: they live on one machine, as root. */
export function makeAuthority(commonName: string): Authority {
  const ca = makeKey();
  const leaf = makeKey();
  const issuer = [{ name: 'commonName', value: commonName }];
  const caCertificate = newCertificate(ca.publicKey, issuer, issuer, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
  ]);
  signWith(caCertificate, ca.privatePem);
  return {
    certificate: forge.pki.certificateToPem(caCertificate),
    issue: ({ user, group, addresses = [], names = [] }) => {
      const subject = [
        { name: 'commonName', value: user },
        ...(group === undefined ? [] : [{ name: 'organizationName', value: group }]),
      ];
      const altNames = [
        ...names.map((value) => ({ type: 2, value })),
        ...addresses.map((ip) => ({ type: 7, ip })),
      ];
      const certificate = newCertificate(leaf.publicKey, subject, issuer, [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
      ]);
      signWith(certificate, ca.privatePem);
      return { certificate: forge.pki.certificateToPem(certificate), key: leaf.privatePem };
    },
  };
}

/** A key pair of its own for service account tokens. */
export function makeTokenKeys(): { readonly publicPem: string; readonly privatePem: string } {
  const { publicPem, privatePem } = makeKey();
  return { publicPem, privatePem };
}

function makeKey() {
  // Node makes keys about a hundred times faster than forge does.
  const { publicKey: publicPem, privateKey: privatePem } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return {
    publicPem,
    privatePem,
    publicKey: forge.pki.publicKeyFromPem(publicPem),
  };
}

/** Node's signature in forge's certificate: forge's own takes 50 ms, and above a second under jest. */
function signWith(certificate: forge.pki.Certificate, privatePem: string): void {
  const oid = forge.pki.oids['sha256WithRSAEncryption'] ?? '';
  certificate.signatureOid = oid;
  certificate.siginfo.algorithmOid = oid;
  certificate.signature = '';
  const [signed] = forge.pki.certificateToAsn1(certificate).value;
  if (typeof signed !== 'object') throw new Error('a certificate without its first part');
  const bytes = Buffer.from(forge.asn1.toDer(signed).getBytes(), 'binary');
  certificate.signature = sign('sha256', bytes, privatePem).toString('binary');
}

function newCertificate(
  publicKey: forge.pki.PublicKey,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  extensions: unknown[],
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  const now = Date.now();
  certificate.validity.notBefore = new Date(now - 3_600_000);
  certificate.validity.notAfter = new Date(now + validDays * 86_400_000);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  certificate.setExtensions(extensions);
  return certificate;
}
