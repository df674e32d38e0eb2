import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { issue } from '../../../certs/issue.js';
import type { LocalCluster } from '../../cluster/index.js';
import { ANNOTATION } from '../../../lib/names.js';
import { EMQX, setImage } from '../../demo/emqx.js';
import {
  startMonitoring,
  untilFiring,
  untilOver,
  untilQuiet,
  untilScraped,
  valueOf,
  withoutController,
  type Monitoring,
} from '../observability/metrics.js';
import { dropJourneys, setOut, type Journey } from '../support/journey.js';
import { leaderOf } from '../support/leader.js';
import { SLUICE, useSluice } from '../support/sluice.js';

jest.setTimeout(300_000);

/** Alerts that take minutes, or something that no other test may do: each for the true thing, and to its end where that can be waited for. */
const NAMESPACE = 'e2e-alerts';
const NODES = 2;
const CLIENTS = 40;
const DAY_MS = 24 * 3_600_000;
/** The chart's least: a wait of less is no wait for people. */
const STUCK_AFTER_SECONDS = 60;
const OBJECT = { namespace: NAMESPACE, bluegreen: EMQX.name };

let cluster: LocalCluster;
let journey: Journey;
let monitoring: Monitoring;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS });
  monitoring = await startMonitoring(cluster, NAMESPACE, [
    `metrics.rules.stuckAfterSeconds=${STUCK_AFTER_SECONDS}`,
  ]);
  await untilScraped(monitoring, NODES);
  await untilQuiet(monitoring);
}, 30 * 60_000);
afterAll(async () => {
  await monitoring?.stop();
  await dropJourneys(cluster, NAMESPACE);
}, 240_000);

const sluice = (...words: string[]): Promise<string> =>
  cluster.kubectl(['--namespace', SLUICE.namespace, ...words]);

/** A value of one of Sluice's own Secrets, as text. */
async function secretOf(name: string, key: string): Promise<string> {
  const path = `--output=jsonpath={.data.${key.replaceAll('.', '\\.')}}`;
  return Buffer.from(await sluice('get', 'secret', name, path), 'base64').toString();
}

const endOf = (cert: string): number => new X509Certificate(cert).validToDate.getTime();

/** What the description of an alert tells people to run. */
const messageOf = (): Promise<string> =>
  journey.kubectl('get', 'bluegreen', EMQX.name, '--output=jsonpath={.status.message}');

describe('SluiceUpgradeStuck', () => {
  it('fires when an upgrade waits for the same thing for that long and hands nobody over, not before', async () => {
    const fromMs = Date.now();
    await setImage(cluster, NAMESPACE, 'localhost/no-such-image:1');
    expect(await untilFiring(monitoring, 'SluiceUpgradeStuck')).toMatchObject(OBJECT);
    expect(Date.now() - fromMs).toBeGreaterThan(STUCK_AFTER_SECONDS * 1000);
    expect(await messageOf()).toContain('localhost/no-such-image:1');
  });

  it('is over with the wait, when the edit is taken back', async () => {
    const blue = journey.active();
    await journey.kubectl('rollout', 'undo', `statefulset/${EMQX.name}`);
    await journey.untilRest(NODES, (active) => active === blue);
    await untilOver(monitoring, 'SluiceUpgradeStuck', 'SluiceActionNeeded');
  });
});

describe('SluiceCertificateExpiring', () => {
  const TLS = `${SLUICE.webhook}-tls`;
  const CA = `${SLUICE.webhook}-ca`;

  it('fires of a certificate that nobody has renewed, and is over when a controller is back', async () => {
    const before = await secretOf(TLS, 'tls.crt');
    const names = new X509Certificate(before).subjectAltName?.replaceAll('DNS:', '').split(', ') ?? [];
    const ca = { cert: await secretOf(CA, 'ca.crt'), key: await secretOf(CA, 'ca.key') };
    const usage = { kind: 'server', dnsNames: names } as const;
    // With an hour left it is renewed whatever else waits: a CA as young as this one's would have a longer one wait first.
    const { cert, key } = await issue(ca, usage, { nowMs: Date.now(), days: 1 / 25 });
    await withoutController(cluster, async () => {
      const stringData = { 'tls.crt': cert, 'tls.key': key };
      await sluice('patch', 'secret', TLS, '--patch', JSON.stringify({ stringData }));
      expect(await untilFiring(monitoring, 'SluiceCertificateExpiring')).toMatchObject({
        certificate: 'webhook-serving',
      });
      const left = 'min(sluice_certificate_expiry_timestamp_seconds{certificate="webhook-serving"})';
      expect(await valueOf(monitoring, left)).toBe(Math.floor(endOf(cert) / 1000));
    });
    await untilOver(monitoring, 'SluiceCertificateExpiring', 'SluiceNoLeader');
    const after = await secretOf(TLS, 'tls.crt');
    expect([before, cert]).not.toContain(after);
    expect(endOf(after)).toBeGreaterThan(Date.now() + 80 * DAY_MS);
    const { pod } = await leaderOf(cluster);
    const log = await sluice('logs', pod);
    expect(log).toContain(`"secret":"${TLS}","keys":["tls.crt","tls.key"`);
  });

  it('costs no edit: the API server trusts the webhook, which notes when one was made', async () => {
    const path = `{.metadata.annotations['${ANNOTATION.requestedAt.replaceAll('.', '\\.')}']}`;
    const noted = (): Promise<string> =>
      journey.kubectl('get', 'statefulset', EMQX.name, `--output=jsonpath=${path}`);
    const blue = journey.active();
    const before = await noted();
    await journey.edit('renewed');
    expect(Date.parse(await noted())).toBeGreaterThan(Date.parse(before) || 0);
    await journey.untilRest(NODES, (active) => active !== blue);
  });
});

describe('SluiceDrainFailed', () => {
  it('fires when nodes stop with sessions that had nowhere to go, and the events that it names say how many', async () => {
    await journey.kubectl('scale', 'bluegreen', EMQX.name, '--replicas=0');
    const labels = await untilFiring(monitoring, 'SluiceDrainFailed');
    expect(labels).toMatchObject({ ...OBJECT, severity: 'critical', outcome: 'gaveUp' });
    const { crowd } = journey;
    await crowd.until('no pod is left', () => crowd.scene.pods.size === 0);
    const reason = '--field-selector=reason=DrainGaveUp,involvedObject.kind=BlueGreen';
    const told = await journey.kubectl('get', 'events', reason, '--output=jsonpath={.items[*].message}');
    const lost = [...told.matchAll(/(\d+) sessions? left: /g)].map(([, count]) => Number(count));
    // The other half of the fleet have sessions that end with their connection.
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(CLIENTS / 2);
  });
});
