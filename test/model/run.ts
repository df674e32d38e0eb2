import { revisionOf, setNameOf } from '../../lib/revision.js';
import { DEFAULT_SPEC } from '../../lib/types.js';
import { apply, observe, trace, writeStatus, type Decision, type Observed } from './adapter.js';
import { runClients } from './clients.js';
import { runNodes } from './emqx.js';
import { restlessness, Watcher } from './invariants.js';
import { runPods } from './kubelet.js';
import { LongPause } from './pause.js';
import { Labels, Lists } from './lists.js';
import { Random } from './random.js';
import { runSidecars } from './sidecars.js';
import { runControllers } from './stateful-sets.js';
import { act, calm, edit, FIRST, SECOND } from './users.js';
import {
  isManaged,
  note,
  selectedPods,
  violate,
  type Invariant,
  type SetObject,
  type World,
} from './world.js';

export type Planner = (observed: Observed) => Decision;

export interface Outcome {
  seed: number;
  /** The first thing that went wrong. */
  violation?: string;
  /** What must hold, and did not. */
  broken?: Invariant;
  passes: number;
  /** Kinds of steps that were taken. */
  steps: Set<string>;
  trace: string[];
}

export interface RunOptions {
  trace?: boolean;
  /** What is put back beside the pass, at any moment; nothing when absent. */
  planUrgent?: (observed: Observed) => Decision | undefined;
}

/** Makes another source of a seed. */
const LATE = 0x5bd1e995;
const LISTS = 0x27d4eb2f;
const LABELS = 0x165667b1;
const SPANS = 0x85ebca6b;
const SETTLE_SECONDS = 900;
/** As long as this the loop rests and nothing changes any more. */
const QUIET_SECONDS = 15;

/** One random sequence of edits, failures and time, from its seed. */
export function run(seed: number, plan: Planner, options: RunOptions = {}): Outcome {
  const random = new Random(seed);
  // By a source of its own: what else a seed leads to stays as it was.
  const aside = new Random(~seed);
  const isDurable = aside.chance(0.2);
  const allowUnlistedVersions = aside.chance(0.75);
  const late = new Random(seed ^ LATE);
  let hasPaused = !late.chance(0.2);
  let pause: LongPause | undefined;
  const lists = [new Lists(new Random(seed ^ LISTS)), new Labels(new Random(seed ^ LABELS))];
  const sendsSpans = new Random(seed ^ SPANS).chance(0.5);
  const world = begin(random, { isTraced: options.trace === true, isDurable, sendsSpans });
  world.blueGreen.spec.allowUnlistedVersions = allowUnlistedVersions;
  const watcher = new Watcher(world);
  if (world.declaration.size > 0 && random.chance(0.3)) edit(world, SECOND, watcher);
  const loop = new Loop(world, watcher, plan);
  const beside = (): void => {
    if (options.planUrgent && aside.chance(BESIDE)) putBack(world, watcher, options.planUrgent);
  };
  const actions = random.int(1, 8);
  let left = actions;
  let nextAt = world.now + random.int(0, 20);
  let quietFor = 0;
  let endsAt = 0;
  while (world.violations.length === 0) {
    if (left > 0 && world.now >= nextAt) {
      act(world, watcher);
      watcher.look();
      left -= 1;
      // In a burst, within one drain, or at rest.
      nextAt =
        world.now + (random.chance(0.4) ? random.int(0, 3) : random.int(2, random.chance(0.3) ? 80 : 25));
      if (left === 0) endsAt = Number.POSITIVE_INFINITY;
    } else if (left === 0 && !hasPaused && world.now >= nextAt) {
      pause ??= new LongPause(world, watcher, late);
      hasPaused = pause.turn();
    } else if (left === 0 && endsAt === Number.POSITIVE_INFINITY && world.now >= nextAt) {
      calm(world, watcher);
      for (const each of lists) each.end(world);
      endsAt = world.now + SETTLE_SECONDS;
    }
    for (const each of lists) each.turn(world);
    beside();
    loop.turn();
    beside();
    tick(world);
    watcher.look();
    if (left > 0 || endsAt === Number.POSITIVE_INFINITY) continue;
    const isStill =
      !isManaged(world) ||
      (world.pods.every(({ deleted, ready }) => !deleted && ready) && endpointsFollow(world));
    quietFor = loop.isResting && isStill ? quietFor + 1 : 0;
    if (quietFor >= QUIET_SECONDS) {
      const wrong = restlessness(world);
      if (wrong !== undefined) violate(world, 'rest', `at rest, ${wrong}`);
      break;
    }
    if (world.now >= endsAt)
      violate(world, 'rest', `no rest: ${loop.last?.message ?? ''}; ${restlessness(world) ?? ''}`);
  }
  const [first] = world.violations;
  return {
    seed,
    ...(first && { violation: first.what, broken: first.broken }),
    passes: loop.passes,
    steps: loop.steps,
    trace: world.trace ?? [],
  };
}

/** Whether the EndpointSlices list what the selectors match. */
function endpointsFollow(world: World): boolean {
  return world.services.every((service) => {
    const selected = selectedPods(world, service);
    return (
      selected.length === service.endpoints.length &&
      selected.every(({ name }) => service.endpoints.includes(name))
    );
  });
}

export function tick(world: World): void {
  world.now += 1;
  runControllers(world);
  runPods(world);
  runNodes(world);
  runClients(world);
  runSidecars(world);
}

/** How likely, twice a second, something wakes what is put back beside the pass. */
const BESIDE = 0.1;
/** As in the controller: it goes on until there is nothing more, and not for ever. */
const MOST_BESIDE = 5;

/** What an edit took away is put back from Kubernetes objects alone, whatever the pass in progress waits for. */
function putBack(world: World, watcher: Watcher, planUrgent: NonNullable<RunOptions['planUrgent']>): void {
  if (!isManaged(world)) return;
  for (let step = 0; step < MOST_BESIDE; step += 1) {
    const seen = unasked(observe(world));
    const decision = planUrgent(seen);
    if (!decision) return;
    note(world, `beside: ${JSON.stringify(decision.step)} – ${decision.message}`);
    watcher.judge(decision, seen);
    apply(world, decision, seen);
    watcher.judgeWritten(seen);
    watcher.look();
  }
}

/** The same as if no sidecar had answered. */
function unasked(seen: Observed): Observed {
  const sets = seen.sets.map((set) => ({
    ...set,
    pods: set.pods.map((pod) => {
      const silent = { ...pod };
      delete silent.report;
      return silent;
    }),
  }));
  return { ...seen, sets };
}

/** Observe, plan, apply, look again; nothing is kept in between but what is under way. */
class Loop {
  passes = 0;
  readonly steps = new Set<string>();
  last: Decision | undefined;
  isResting = false;
  private pending: { decision: Decision; seen: Observed; at: number } | undefined;

  constructor(
    private readonly world: World,
    private readonly watcher: Watcher,
    private readonly plan: Planner,
  ) {}

  turn(): void {
    const { world } = this;
    // The leader dies: what it was about to write is not written.
    if (this.pending && world.random.chance(0.01)) this.pending = undefined;
    for (let pass = 0; pass < 2; pass += 1) {
      if (!this.pending && !isManaged(world)) {
        this.isResting = true;
        return;
      }
      if (!this.pending && world.random.chance(0.8)) this.begin();
      if (!this.pending || this.pending.at > world.now) return;
      this.end(this.pending);
      this.pending = undefined;
    }
  }

  private begin(): void {
    const { world } = this;
    const seen = observe(world);
    const decision = this.plan(seen);
    this.passes += 1;
    this.steps.add(decision.step.kind);
    if (decision.step.kind !== 'rest') this.isResting = false;
    trace(world, decision);
    this.pending = {
      decision,
      seen,
      at: world.now + (world.random.chance(0.7) ? 0 : world.random.int(1, 2)),
    };
  }

  private end({ decision, seen }: { decision: Decision; seen: Observed }): void {
    const { world } = this;
    this.watcher.judge(decision, seen);
    apply(world, decision, seen);
    this.watcher.judgeWritten(seen);
    if (!world.random.chance(0.02)) writeStatus(world, decision, seen);
    this.last = decision;
    this.isResting = decision.step.kind === 'rest';
  }
}

/** A declaration just created, one that has long been managed, or one with clients on it that is labelled now. */
function begin(
  random: Random,
  { isTraced, ...settings }: Pick<World, 'isDurable' | 'sendsSpans'> & { isTraced: boolean },
): World {
  const kind = random.pick(['created', 'managed', 'managed', 'adopted'] as const);
  const size = random.int(1, 3);
  const most = random.chance(0.25) ? 2 : 1;
  const policy = random.chance(0.5) ? 'Parallel' : 'OrderedReady';
  const world: World = {
    random,
    now: 0,
    hasClaims: random.chance(0.4),
    ...settings,
    refusal: random.chance(0.5) ? 0.9 : 0,
    room: random.chance(0.1) ? size : 9,
    declaration: {
      uid: 'declaration',
      name: 'emqx',
      version: 1,
      createdAt: 0,
      policy,
      size: 0,
      template: FIRST,
      cause: 'sequence',
      decidedIn: 0,
      asked: FIRST,
      history: [FIRST],
      heldReplicas: 0,
      frozen: false,
      labelled: true,
      managed: false,
      promote: '',
      abort: '',
      retry: '',
    },
    sets: [],
    pods: [],
    services: ['emqx', ...(random.chance(0.2) ? ['emqx-ws'] : [])].map((name) => ({
      name,
      version: 1,
      managed: false,
      endpoints: [],
      before: [],
    })),
    blueGreen: {
      exists: false,
      isUsers: random.chance(0.3),
      version: 1,
      spec: {
        ...DEFAULT_SPEC,
        updateStrategy: {
          type: 'Recreate',
          initialDelaySeconds: random.int(0, 3),
          evacuationStrategy: {
            waitTakeover: 3,
            connEvictRate: most * random.int(1, 2),
            sessEvictRate: most,
          },
        },
        progressDeadlineSeconds: random.int(60, 90),
        noRecipientSeconds: 6,
        drainTimeoutSeconds: random.chance(0.3) ? random.int(1, 6) : 3600,
        onDrainTimeout: random.pick(['Hold', 'Proceed'] as const),
        maxConcurrentDrains: most,
        revisionHistoryLimit: random.int(0, 2),
      },
    },
    ...(random.chance(0.3) && { preview: '' }),
    endpointsPace: random.chance(0.3) ? 0.1 : 0.5,
    webhook: random.chance(0.8),
    nodes: new Map(),
    members: new Set(),
    claims: new Map(),
    ownedClaims: new Set(),
    clients: Array.from({ length: random.int(0, 6) }, (_, id) => ({ id, retryAt: 0 })),
    activations: 0,
    activeHistory: [],
    nextUid: 0,
    violations: [],
    ...(isTraced && { trace: [] }),
  };
  note(world, `${kind}, ${size} nodes, claims ${world.hasClaims}, ${policy}, webhook ${world.webhook}`);
  if (kind === 'managed') beManaged(world, size);
  if (kind === 'adopted') {
    world.declaration.size = size;
    // Its readiness is its own: it has run for long.
    for (let second = 0; second < 40; second += 1) tick(world);
  }
  label(world, size, kind === 'adopted');
  return world;
}

function beManaged(world: World, size: number): void {
  const revision = revisionOf(world.declaration.name, FIRST);
  const set: SetObject = {
    uid: 'set0',
    name: setNameOf(world.declaration.name, revision),
    revision,
    version: 1,
    createdAt: 0,
    policy: 'Parallel',
    size,
    template: FIRST,
    apiPort: world.blueGreen.spec.emqx.apiPort,
    cause: 'sequence',
    decidedIn: 0,
  };
  world.sets.push(set);
  for (const service of world.services) {
    service.revision = revision;
    service.managed = true;
  }
  world.blueGreen.exists = true;
  world.blueGreen.carried = size;
  world.blueGreen.spec.replicas = size;
  for (let second = 0; second < 40; second += 1) tick(world);
}

/** The label arrives: with the webhook all that it holds is set, without it nothing is. */
function label(world: World, size: number, runs: boolean): void {
  const { declaration } = world;
  if (!world.webhook) {
    declaration.size = world.sets.length > 0 ? 0 : size;
    if (world.sets.length === 0) return;
  }
  declaration.wish = size;
  declaration.frozen = true;
  declaration.managed = true;
  if (runs) declaration.heldReplicas = size;
}
