import type { GateState } from '../lib/control.js';
import { EVACUATION_STATES, type EvacuationSeen } from '../lib/types.js';

/** What `gate.sh` last wrote of its progress, and during which start of EMQX. */
export interface GateProgress {
  boot: string;
  state: GateState;
  /** What it last saw of EMQX's evacuation. */
  evacuation?: Omit<EvacuationSeen, 'at'>;
}

/** Reads the gate's file; it wrote none: idle. */
export function parseGate(text: string): GateProgress {
  const values = new Map(text.split('\n').map((line) => split(line)));
  const detail = values.get('detail') ?? '';
  const boot = values.get('boot') ?? '';
  const evacuation = evacuationOf(values.get('evacuation') ?? '');
  switch (values.get('state') ?? '') {
    case 'draining':
      return { boot, state: { kind: 'draining', detail }, ...evacuation };
    case 'drained':
      return { boot, state: { kind: 'drained' }, ...evacuation };
    case 'gave-up':
      return {
        boot,
        ...evacuation,
        state: { kind: 'gaveUp', detail, sessionsLost: Number(values.get('sessionsLost')) || 0 },
      };
    default:
      return { boot: '', state: { kind: 'idle' } };
  }
}

function evacuationOf(text: string): Pick<GateProgress, 'evacuation'> {
  const [word, clients, sessions] = text.split(' ');
  const state = EVACUATION_STATES.find((one) => one === word);
  return state ? { evacuation: { state, clients: Number(clients), sessions: Number(sessions) } } : {};
}

function split(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
