import { describe, expect, it } from '@jest/globals';
import { makeCa } from '../../certs/issue.js';
import { noErrors } from '../../sidecar/errors.js';
import { makeSidecarMetrics, type Figures } from '../../sidecar/metrics.js';

/** The lines of a scrape, comments and the process's own aside. */
async function lines(seen: Partial<Figures>): Promise<string[]> {
  const metrics = makeSidecarMetrics(() => ({
    joined: true,
    gate: { kind: 'idle' },
    errors: noErrors(),
    controlCa: '',
    ...seen,
  }));
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => line.startsWith('sluice_'));
}

describe("the sidecar's metrics", () => {
  it('at rest', async () => {
    const found = await lines({ api: 'ok' });
    expect(found).toEqual([
      'sluice_sidecar_emqx_api{state="ok"} 1',
      'sluice_sidecar_emqx_api{state="unreachable"} 0',
      'sluice_sidecar_emqx_api{state="unauthorized"} 0',
      'sluice_sidecar_emqx_api{state="no_key"} 0',
      'sluice_sidecar_joined 1',
      'sluice_sidecar_drain{state="idle"} 1',
      'sluice_sidecar_drain{state="draining"} 0',
      'sluice_sidecar_drain{state="drained"} 0',
      'sluice_sidecar_drain{state="gaveUp"} 0',
      'sluice_sidecar_sessions_lost 0',
      'sluice_sidecar_evacuation{state="waiting_health_check"} 0',
      'sluice_sidecar_evacuation{state="evicting_conns"} 0',
      'sluice_sidecar_evacuation{state="waiting_takeover"} 0',
      'sluice_sidecar_evacuation{state="evicting_sessions"} 0',
      'sluice_sidecar_evacuation{state="prohibiting"} 0',
      'sluice_sidecar_errors_total{cause="emqx_unreachable"} 0',
      'sluice_sidecar_errors_total{cause="emqx_unauthorized"} 0',
      'sluice_sidecar_errors_total{cause="emqx_no_key"} 0',
      'sluice_sidecar_errors_total{cause="look"} 0',
      'sluice_sidecar_errors_total{cause="control_refused"} 0',
    ]);
  });

  it('of a drain', async () => {
    const found = await lines({
      api: 'ok',
      gate: { kind: 'draining', detail: '' },
      evacuation: {
        ...{ state: 'evicting_sessions', clients: 0, sessions: 12 },
        initial: { clients: 9, sessions: 12 },
      },
    });
    expect(found).toEqual(
      expect.arrayContaining([
        'sluice_sidecar_drain{state="draining"} 1',
        'sluice_sidecar_evacuation{state="evicting_sessions"} 1',
        'sluice_sidecar_evacuation_clients 0',
        'sluice_sidecar_evacuation_sessions 12',
      ]),
    );
  });

  it('of a drain that gave up', async () => {
    const found = await lines({ gate: { kind: 'gaveUp', detail: 'nowhere to go', sessionsLost: 3 } });
    expect(found).toEqual(
      expect.arrayContaining(['sluice_sidecar_drain{state="gaveUp"} 1', 'sluice_sidecar_sessions_lost 3']),
    );
    expect(found.filter((line) => line.startsWith('sluice_sidecar_emqx_api')).join()).not.toMatch(/ 1\b/);
  });

  it('say when the control CA ends', async () => {
    const nowMs = Date.parse('2026-01-01T00:00:00Z');
    const { cert } = await makeCa('test', { nowMs, days: 3 });
    expect(await lines({ controlCa: cert })).toContain(
      `sluice_certificate_expiry_timestamp_seconds{certificate="control-ca"} ${nowMs / 1000 + 3 * 86_400}`,
    );
  });
});
