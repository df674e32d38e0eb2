import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A TLS server's own key and certificate, PEM. */
export interface ServingIdentity {
  key: string;
  cert: string;
}

/**
 * Makes a key and a certificate that it signs itself, without end. Nobody verifies it: the control port's clients are
 * known by theirs. Written out in DER, because a library for it would stay in the memory of every EMQX pod.
 * @see RFC 5280 §4.1, RFC 5758 §3.2 (ecdsa-with-SHA256)
 */
export function makeServingIdentity(commonName: string): ServingIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
  const validity = sequence(time(0x17, '200101000000Z'), time(0x18, '99991231235959Z'));
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(version3(), serial, algorithm, name, validity, name, subjectKey);
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  const lines = sequence(body, algorithm, signature)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
  };
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const time = (tag: number, text: string) => der(tag, Buffer.from(text));
const version3 = () => der(0xa0, der(0x02, Buffer.from([2])));

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
