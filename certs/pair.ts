import { createPrivateKey, X509Certificate } from 'node:crypto';

/** A certificate and its private key, both PEM. */
export interface Pair {
  cert: string;
  key: string;
}

/** What a certificate says, in milliseconds since 1970. */
export interface Facts {
  notBeforeMs: number;
  notAfterMs: number;
  /** DNS names, as in the certificate. */
  dnsNames: string[];
}

/** @throws Error when the PEM is no certificate */
export function factsOf(cert: string): Facts {
  const { validFrom, validTo, subjectAltName } = new X509Certificate(cert);
  return {
    notBeforeMs: Date.parse(validFrom),
    notAfterMs: Date.parse(validTo),
    dnsNames: (subjectAltName ?? '')
      .split(', ')
      .filter((name) => name.startsWith('DNS:'))
      .map((name) => name.slice('DNS:'.length)),
  };
}

/** Whether it is not valid yet: made while the clock was ahead. Nobody takes it until then, so it is as good as none. */
export function isAhead(cert: string, nowMs: number): boolean {
  return factsOf(cert).notBeforeMs > nowMs;
}

/** Whether `cert` bears the signature of `ca` (both PEM). */
export function isIssuedBy(cert: string, ca: string): boolean {
  const [child, parent] = [new X509Certificate(cert), new X509Certificate(ca)];
  return child.checkIssued(parent) && child.verify(parent.publicKey);
}

/** The pair, if that is what it is: readable, and the key is the certificate's. */
export function asPair(cert: string | undefined, key: string | undefined): Pair | undefined {
  if (!cert || !key) return undefined;
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** The certificates in a text of several (PEM, one after the other); whatever cannot be read is left out. */
export function splitBundle(bundle: string): string[] {
  const found = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.flatMap((text) => {
    try {
      return [new X509Certificate(text).toString()];
    } catch {
      return [];
    }
  });
}
