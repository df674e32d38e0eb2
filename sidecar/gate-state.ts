import type { GateState } from '../lib/control.js';

/** What `gate.sh` last wrote of its progress, and during which start of EMQX. */
export interface GateProgress {
  boot: string;
  state: GateState;
}

/** Reads the gate's file; it wrote none: idle. */
export function parseGate(text: string): GateProgress {
  const values = new Map(text.split('\n').map((line) => split(line)));
  const detail = values.get('detail') ?? '';
  const boot = values.get('boot') ?? '';
  switch (values.get('state') ?? '') {
    case 'draining':
      return { boot, state: { kind: 'draining', detail } };
    case 'drained':
      return { boot, state: { kind: 'drained' } };
    case 'gave-up':
      return {
        boot,
        state: { kind: 'gaveUp', detail, sessionsLost: Number(values.get('sessionsLost')) || 0 },
      };
    default:
      return { boot: '', state: { kind: 'idle' } };
  }
}

function split(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
