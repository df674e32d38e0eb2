import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { conf, makeShare, type Run, type Share } from './gate-share.js';
import {
  evacuating,
  idle,
  noFeature,
  notFoundV4,
  ok,
  refusal,
  refusalV4,
  running,
  serve,
  type Answer,
  type Script,
  type ScriptedEmqx,
} from './scripted-emqx.js';

const SELF = 'emqx@blue-0.emqx-headless.mq.svc.cluster.local';
const BLUE = 'emqx@blue-1.emqx-headless.mq.svc.cluster.local';
const GREEN = 'emqx@green-0.emqx-headless.mq.svc.cluster.local';

const accepted = ok({});
const prohibiting = evacuating('prohibiting', { session_recipients: [] });
const nowhere = evacuating('evicting_sessions', { session_recipients: [] });

jest.setTimeout(30_000);

/** The body of a start with the settings of `conf` on a 5.8.9 that holds clients. */
const asked = { conn_evict_rate: 10, sess_evict_rate: 20, wait_takeover: 3, wait_health_check: 2 };
const noClientLeft = {
  stats: { initial_connected: 4, current_connected: 0, initial_sessions: 4, current_sessions: 4 },
};

interface Stage {
  share: Share;
  emqx: ScriptedEmqx;
  run: (options?: { args?: string[]; env?: NodeJS.ProcessEnv; limitMs?: number }) => Promise<Run>;
  /** Bodies of the starts asked for. */
  starts: () => { migrate_to?: string[] }[];
  /** What the gate last reported. */
  report: () => Promise<string>;
}

const made: { share: Share; emqx: ScriptedEmqx }[] = [];
afterAll(() =>
  Promise.all(made.flatMap(({ share, emqx }) => [share.remove(), emqx.close()])).then(() => undefined),
);

/** A share and an EMQX node, both in order but for what the test names. Each test has its own: they run side by side. */
async function stage(
  script: Partial<Script> = {},
  settings: Record<string, string | number> = {},
): Promise<Stage> {
  const share = await makeShare();
  const emqx = await serve({
    self: SELF,
    nodes: [running(SELF), running(GREEN), running(BLUE)],
    status: [idle, evacuating('evicting_conns'), prohibiting],
    start: [accepted],
    ...script,
  });
  made.push({ share, emqx });
  await share.write('drain.conf', conf(emqx.port, settings));
  return {
    share,
    emqx,
    run: ({ args = [], ...options } = {}) => share.run('gate.sh', args, options),
    starts: () =>
      emqx.asked
        .filter(({ path }) => path.endsWith('/start'))
        .map(({ body }) => body as { migrate_to?: string[] }),
    report: () => share.read('gate'),
  };
}

describe('the drain rule', () => {
  it.concurrent(
    'starts with rates, waits and the running recipients, and ends at prohibiting only',
    async () => {
      const { emqx, run, starts, report, share } = await stage(
        {
          status: [
            idle,
            evacuating('waiting_health_check'),
            evacuating('evicting_conns'),
            evacuating('waiting_takeover', noClientLeft),
            prohibiting,
          ],
        },
        { recipients: `${GREEN} emqx@green-9.gone` },
      );
      const { code, seconds } = await run();
      expect(code).toBe(0);
      expect(seconds).toBeGreaterThan(4);
      expect(starts()).toEqual([{ ...asked, migrate_to: [GREEN] }]);
      expect(emqx.asked.every(({ authorization }) => authorization === 'Basic a2V5OnNlY3JldA==')).toBe(true);
      expect(emqx.mostAtOnce()).toBe(1);
      expect(await report()).toContain('state=drained');
      expect(await report()).toMatch(/^evacuation=prohibiting \d+ \d+$/m);
      expect((await share.files()).filter((file) => file.startsWith('.'))).toEqual([]);
    },
  );

  it.concurrent.each<{ when: string; script: Partial<Script>; bodies: unknown[] }>([
    { when: 'no recipient is named, any node will do', script: {}, bodies: [asked] },
    {
      when: 'the node is empty, the waits are the shortest',
      script: { nodes: [running(SELF, { connections: 0, live_connections: 0 })] },
      bodies: [{ ...asked, wait_takeover: 0, wait_health_check: 0 }],
    },
    {
      when: 'an empty node is 5.1.0, whose wait_takeover is at least 1',
      script: { nodes: [running(SELF, { version: '5.1.0', connections: 0, live_connections: 0 })] },
      bodies: [{ ...asked, wait_takeover: 1, wait_health_check: 0 }],
    },
    {
      when: 'an empty node is 5.0.4, which knows no wait_health_check and counts no live clients',
      script: { nodes: [running(SELF, { version: '5.0.4', connections: 0, live_connections: undefined })] },
      bodies: [{ conn_evict_rate: 10, sess_evict_rate: 20, wait_takeover: 1 }],
    },
    {
      when: 'an evacuation runs already, it is followed',
      script: { status: [evacuating('evicting_sessions'), prohibiting] },
      bodies: [],
    },
    {
      when: 'a start hits already_started, it is followed',
      script: { start: [refusal(400, 'BAD_REQUEST', `error on node '${SELF}': already_started`)] },
      bodies: [asked],
    },
    {
      when: 'the answer to a start is lost, the status is read before another',
      script: { start: ['cut'] },
      bodies: [asked],
    },
  ])('when $when', async ({ script, bodies }) => {
    const { run, starts, report } = await stage(script);
    expect((await run()).code).toBe(0);
    expect(starts()).toEqual(bodies);
    expect(await report()).toContain('state=drained');
  });

  it.concurrent('asks again, and at last without names, when a recipient is not available', async () => {
    const unavailable = refusal(400, 'NOT_FOUND', `Nodes unavailable: ['${GREEN}']`);
    const { run, starts } = await stage(
      {
        status: [idle, idle, idle, idle, prohibiting],
        start: [unavailable, unavailable, unavailable, accepted],
      },
      { recipients: GREEN },
    );
    expect((await run()).code).toBe(0);
    expect(starts().map(({ migrate_to }) => migrate_to)).toEqual([[GREEN], [GREEN], [GREEN], undefined]);
  });

  it.concurrent('waits for a rebalance to end, and starts again when somebody stops it', async () => {
    const { run, starts } = await stage({
      status: [
        ok({ status: 'enabled', process: 'rebalance', state: 'evicting_conns' }),
        idle,
        idle,
        evacuating('evicting_conns'),
        idle,
        prohibiting,
      ],
      start: [refusal(400, 'BAD_REQUEST', `error on node '${SELF}': eviction_agent_busy`), accepted],
    });
    expect((await run()).code).toBe(0);
    expect(starts()).toHaveLength(3);
  });

  it.concurrent('never takes an error, a cut answer or a refused key for drained', async () => {
    const answers: Answer[] = [
      refusal(500, 'RPC_ERROR', 'prohibiting'),
      { status: 500, text: "Unsupported code 'RPC_ERROR', message prohibiting" },
      'cut',
      refusal(401, 'BAD_API_KEY_OR_SECRET', 'Check api_key/api_secret'),
      refusal(503, 'SERVICE_UNAVAILABLE', ''),
      ok({ status: 'enabled', process: 'evacuation', state: 'surprise' }),
      ok([]),
      evacuating('evicting_conns', noClientLeft),
    ];
    const { run, starts, emqx } = await stage({ status: [...answers, prohibiting] });
    expect((await run()).code).toBe(0);
    expect(emqx.asked).toHaveLength(answers.length + 1);
    expect(starts()).toEqual([]);
  });

  it.concurrent(
    'ends with only durable sessions counted when the node holds nothing, seen twice',
    async () => {
      const empty = [running(SELF, { connections: 0, live_connections: 0 }), running(GREEN)];
      const { run, report } = await stage({ nodes: empty, status: [evacuating('evicting_sessions')] });
      const { code, seconds } = await run();
      expect(code).toBe(0);
      expect(seconds).toBeGreaterThan(2);
      expect(await report()).toContain('state=drained');
    },
  );

  it.concurrent('holds on while sessions are left and somebody can take them', async () => {
    const { run, report } = await stage({ status: [evacuating('evicting_sessions')] });
    expect((await run({ limitMs: 6_000 })).code).toBeNull();
    expect(await report()).toMatch(/state=draining\ndetail=evicting_sessions: 4 sessions left/);
  });

  it.concurrent('holds on when a joined node refuses connections', async () => {
    const { share, run } = await stage();
    await share.write('drain.conf', conf(1));
    expect((await run({ limitMs: 5_000 })).code).toBeNull();
  });

  it.concurrent('follows drain.conf as it changes: a key that was refused is replaced', async () => {
    const { share, emqx, run } = await stage({
      others: ({ authorization }) =>
        authorization === 'Basic bmV3'
          ? undefined
          : refusal(401, 'BAD_API_KEY_OR_SECRET', 'Check api_key/api_secret'),
    });
    const ended = run();
    while (emqx.asked.length === 0) await new Promise(setImmediate);
    await share.write('drain.conf', conf(emqx.port, { authorization: 'Basic bmV3' }));
    expect((await ended).code).toBe(0);
  });

  it.concurrent('is harmless beside a second one', async () => {
    const { run } = await stage({
      status: [idle, idle, evacuating('evicting_conns'), evacuating('evicting_conns'), prohibiting],
    });
    expect((await Promise.all([run(), run()])).map(({ code }) => code)).toEqual([0, 0]);
  });
});

describe('nowhere to go', () => {
  it.concurrent.each(['waiting_health_check', 'evicting_conns', 'waiting_takeover', 'evicting_sessions'])(
    'gives up in %s after noRecipientSeconds, and says how many sessions were lost',
    async (state) => {
      const { run, report } = await stage({ status: [evacuating(state, { session_recipients: [] })] });
      const { code, seconds } = await run();
      expect(code).toBe(0);
      expect(seconds).toBeGreaterThan(2);
      expect(seconds).toBeLessThan(10);
      expect(await report()).toMatch(/state=gave-up\n.*\nsessionsLost=4\n/);
    },
  );

  it.concurrent('begins to count anew when a recipient was seen in between', async () => {
    const { run, report } = await stage({
      status: [nowhere, nowhere, evacuating('evicting_sessions'), nowhere, nowhere, prohibiting],
    });
    expect((await run()).code).toBe(0);
    expect(await report()).toContain('state=drained');
  });

  it.concurrent.each<{ when: string; slowMs: number }>([
    { when: '', slowMs: 0 },
    { when: ', though no look falls on the tenth second', slowMs: 2_000 },
  ])('turns to a node that runs when those it was told of have gone$when', async ({ slowMs }) => {
    const asked: Script['others'] = ({ path, body }) => {
      if (path.endsWith('/stop')) return accepted;
      if (path.endsWith('/global_status')) return ok({ evacuations: [{ node: SELF }], rebalances: [] });
      if (!path.endsWith('/start')) return undefined;
      const named = (body as { migrate_to?: string[] }).migrate_to;
      emqx.script.nodes = [running(SELF), running(BLUE), { node: GREEN, node_status: 'stopped' }];
      emqx.script.status = named ? [nowhere] : [prohibiting];
      return accepted;
    };
    const { emqx, run, starts } = await stage(
      { nodes: [running(SELF), running(GREEN)], status: [idle], others: (one) => asked(one), slowMs },
      { recipients: GREEN, noRecipientSeconds: 40 },
    );
    expect((await run({ limitMs: 25_000 })).code).toBe(0);
    expect(starts().map(({ migrate_to }) => migrate_to)).toEqual([[GREEN], undefined]);
  });
});

describe('a node that is told that others join', () => {
  const drained = { status: [prohibiting] };
  const staying = 'state=drained';

  it.concurrent('stays when it is drained, and goes when it is told that they have', async () => {
    const { emqx, share, run, report } = await stage(drained, { staySeconds: 600 });
    const ended = run();
    while (emqx.asked.length < 4) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await report()).toContain(staying);
    await share.write('drain.conf', conf(emqx.port, { staySeconds: 0 }));
    expect((await ended).code).toBe(0);
    expect(await report()).toContain(staying);
  });

  it.concurrent('goes after that time, whether or not anybody tells it', async () => {
    const { run, emqx } = await stage(drained, { staySeconds: 2 });
    const { code, seconds } = await run();
    expect([code, seconds > 2]).toEqual([0, true]);
    expect(emqx.asked.length).toBeGreaterThan(2);
  });

  it.concurrent('does not give up sessions meanwhile: who joins may take them', async () => {
    const { run, report } = await stage(
      { status: [nowhere, nowhere, nowhere, nowhere, nowhere, prohibiting] },
      { staySeconds: 3 },
    );
    expect((await run()).code).toBe(0);
    expect(await report()).toContain('state=drained');
  });

  it.concurrent('goes at once if it never joined itself', async () => {
    const { share, run } = await stage(
      { nodes: [running(SELF, { connections: 0, live_connections: 0 })] },
      { staySeconds: 600 },
    );
    await share.write('joined', '');
    expect((await run()).code).toBe(0);
  });
});

describe("somebody else's evacuation", () => {
  const gone = [running(SELF), running(BLUE), { node: GREEN, node_status: 'stopped' }];
  const stops = ({ emqx }: Stage) => emqx.asked.filter(({ path }) => path.endsWith('/stop'));
  /** That of 11 looks, one of which would turn our own elsewhere. */
  const looks = { limitMs: 14_000 };
  const told = { recipients: GREEN, noRecipientSeconds: 40 };

  it.concurrent('that runs already is followed, told of, and never stopped', async () => {
    const seen = await stage({ nodes: gone, status: [nowhere] }, told);
    expect((await seen.run(looks)).code).toBeNull();
    expect(await seen.report()).toContain('somebody else began this evacuation');
    expect(seen.emqx.asked.length).toBeGreaterThan(11);
    expect([seen.starts(), stops(seen)]).toEqual([[], []]);
  });

  it.concurrent('that began in the moment before ours is not taken for ours', async () => {
    const busy = refusal(400, 'BAD_REQUEST', `error on node '${SELF}': already_started`);
    const seen = await stage({ nodes: gone, status: [idle, nowhere], start: [busy] }, told);
    expect((await seen.run(looks)).code).toBeNull();
    expect(await seen.report()).toContain('somebody else began this evacuation');
    expect([seen.starts().length, stops(seen)]).toEqual([1, []]);
  });

  it.concurrent('and rebalance is waited for, and told of', async () => {
    const donor = ok({ status: 'enabled', process: 'rebalance', state: 'evicting_conns' });
    const { run, report, starts } = await stage({ status: [donor] });
    expect((await run({ limitMs: 3_000 })).code).toBeNull();
    expect(await report()).toContain('detail=waiting for a rebalance that somebody else began to end');
    expect(starts()).toEqual([]);
  });
});

describe('EMQX 4', () => {
  const v4 = (node: string, more: object = {}) => ({
    node,
    node_status: 'Running',
    version: '4.4.19',
    connections: 4,
    load1: '1.0',
    ...more,
  });
  const script: Partial<Script> = {
    isV4: true,
    nodes: [v4(SELF), v4(GREEN), { name: BLUE, node_status: 'Stopped' }],
    start: [ok({ code: 0, data: [] })],
  };
  const counts = (clients: number, sessions: number) => ({
    session_recipients: [],
    stats: {
      initial_connected: 4,
      current_connected: clients,
      initial_sessions: 4,
      current_sessions: sessions,
    },
  });
  const drained = evacuating('prohibiting', counts(0, 0));

  it.concurrent('is drained when it prohibits and both counts are 0, and not before', async () => {
    const { run, starts, report, emqx } = await stage(
      {
        ...script,
        status: [
          idle,
          evacuating('evicting_conns'),
          evacuating('prohibiting', { stats: { current_connected: 1, current_sessions: 0 } }),
          evacuating('prohibiting', { stats: { current_connected: 0, current_sessions: 1 } }),
          drained,
        ],
      },
      { recipients: `${GREEN} ${BLUE}`, waitTakeover: 0 },
    );
    expect((await run()).code).toBe(0);
    expect(starts()).toEqual([
      { conn_evict_rate: 10, sess_evict_rate: 20, wait_takeover: 1, migrate_to: [GREEN] },
    ]);
    expect(emqx.asked.filter(({ path }) => path === '/load_rebalance/status')).toHaveLength(5);
    expect(await report()).toContain(`state=drained`);
    expect(await report()).toContain(`node=${SELF}`);
  });

  it.concurrent.each<{ refusal: string; starts: (string[] | undefined)[] }>([
    {
      refusal: `unavailable nodes in migrate_to: ['${GREEN}']`,
      starts: [[GREEN], [GREEN], [GREEN], undefined],
    },
    { refusal: 'eviction_agent_busy', starts: [[GREEN], [GREEN], [GREEN], [GREEN]] },
  ])('refuses in a 200: $refusal', async ({ refusal: words, starts: named }) => {
    const { run, starts } = await stage(
      {
        ...script,
        status: [idle, idle, idle, idle, drained],
        start: [refusalV4(words), refusalV4(words), refusalV4(words), ok({ code: 0, data: [] })],
      },
      { recipients: GREEN },
    );
    expect((await run()).code).toBe(0);
    expect(starts().map(({ migrate_to }) => migrate_to)).toEqual(named);
  });

  it.concurrent('that runs an evacuation already is followed', async () => {
    const { run, report } = await stage({
      ...script,
      status: [idle, drained],
      start: [refusalV4('already_started')],
    });
    expect((await run()).code).toBe(0);
    expect(await report()).toContain('state=drained');
  });

  it.concurrent('is held on to when its key is refused', async () => {
    const { run, report } = await stage({
      ...script,
      others: () => ({ status: 401, text: 'UNAUTHORIZED', html: true }),
    });
    expect((await run({ limitMs: 4_000 })).code).toBeNull();
    expect(await report()).toContain('EMQX refuses the API key (401)');
  });

  it.concurrent('without its plugins has no evacuation; its clients are told to go one by one', async () => {
    const left = ['a b', 'c"\\d/é', 'e'];
    const { run, report } = await stage(
      {
        ...script,
        status: [notFoundV4],
        others: ({ method, path }) => {
          if (method === 'DELETE') {
            const id = decodeURIComponent(path.replace('/clients/', ''));
            if (id === 'e') return ok({ code: 112 });
            return ok({ code: left.splice(left.indexOf(id), 1).length === 1 ? 0 : 400 });
          }
          if (!path.startsWith(`/nodes/${SELF}/clients?`)) return undefined;
          const limit = Number(new URL(path, 'http://x').searchParams.get('_limit'));
          const listed = left.filter((id) => id !== 'e' || left.length > 1).slice(0, limit);
          return ok({ code: 0, data: listed.map((clientid) => ({ clientid })), meta: { count: 3 } });
        },
      },
      { withoutEvacuation: 'Paced', connEvictRate: 2 },
    );
    expect((await run()).code).toBe(0);
    expect(left).toEqual(['e']);
    expect(await report()).toMatch(/state=gave-up\n/);
  });
});

describe('a node that has not joined', () => {
  it.concurrent.each<{ when: string; script: Partial<Script>; port?: number }>([
    {
      when: 'it holds nothing',
      script: { nodes: [running(SELF, { connections: 0, live_connections: 0 })], status: [idle] },
    },
    {
      when: 'its key is refused',
      script: { others: () => refusal(401, 'BAD_API_KEY_OR_SECRET', 'Check api_key/api_secret') },
    },
    { when: 'its API never answers', script: { others: () => refusal(503, 'X', '') } },
    { when: 'nothing listens', script: {}, port: 1 },
  ])('is let go when $when', async ({ script, port }) => {
    const { share, emqx, run, starts } = await stage(script);
    await share.write('joined', 'boot-0\n');
    await share.write('drain.conf', conf(port ?? emqx.port));
    const { code, seconds } = await run();
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(6);
    expect(starts()).toEqual([]);
  });

  it.concurrent('asks a silent API once a look, and is let go after noRecipientSeconds', async () => {
    const { share, emqx, run, starts } = await stage({ isSilent: true });
    await share.write('joined', 'boot-0\n');
    expect((await run()).code).toBe(0);
    expect(emqx.asked).toHaveLength(1);
    expect(starts()).toEqual([]);
  });

  it.concurrent('is drained all the same when it has clients', async () => {
    const { share, run, starts } = await stage();
    await share.write('joined', 'boot-0\n');
    expect((await run()).code).toBe(0);
    expect(starts()).toHaveLength(1);
  });
});

describe('a build without evacuation', () => {
  it.concurrent.each<{ policy: string; answer: Answer; atLeastSeconds: number }>([
    { policy: 'Refuse', answer: noFeature, atLeastSeconds: 4 },
    { policy: 'None', answer: noFeature, atLeastSeconds: 2 },
    {
      policy: 'None',
      answer: { status: 404, text: '<html>\n<b>404</b></html>', html: true },
      atLeastSeconds: 2,
    },
  ])('with $policy it ends with its sessions lost', async ({ policy, answer, atLeastSeconds }) => {
    const { run, report } = await stage({ status: [answer] }, { withoutEvacuation: policy });
    const { code, seconds } = await run();
    expect(code).toBe(0);
    expect(seconds).toBeGreaterThan(atLeastSeconds);
    expect(seconds).toBeLessThan(atLeastSeconds + 6);
    expect(await report()).toMatch(/state=gave-up\n.*\nsessionsLost=4\n/);
  });

  it.concurrent('with Paced its clients are told to go, so many a second', async () => {
    const names = ['a', 'b"\\"c', 'd=e', 'ü', 'f'];
    const kicked: string[][] = [];
    const { run } = await stage(
      {
        status: [noFeature],
        others: ({ method, path, body }) => {
          if (method === 'POST') kicked.push(body as string[]);
          if (method === 'POST') return { status: 204 };
          if (!path.startsWith('/clients?')) return undefined;
          const limit = Number(new URL(path, 'http://x').searchParams.get('limit'));
          const left = names.slice(kicked.flat().length).map((clientid) => ({ clientid }));
          return ok({ data: left.slice(0, limit), meta: { count: left.length } });
        },
      },
      { withoutEvacuation: 'Paced', connEvictRate: 2 },
    );
    expect((await run()).code).toBe(0);
    expect(kicked).toEqual([['a', 'b"\\"c'], ['d=e', 'ü'], ['f']]);
  });
});

describe('a build before 5.1 without evacuation', () => {
  it.concurrent('knows no call for many clients: they are told to go one by one', async () => {
    const names = ['a', 'b', 'c'];
    const { run, emqx } = await stage(
      {
        nodes: [running(SELF, { version: '5.0.26', live_connections: undefined })],
        status: [noFeature],
        others: ({ method, path }) => {
          const listed = names.filter((name) => !emqx.asked.some((one) => one.path === `/clients/${name}`));
          if (method === 'DELETE') return { status: 204 };
          return path.startsWith('/clients?')
            ? ok({ data: listed.map((clientid) => ({ clientid })) })
            : undefined;
        },
      },
      { withoutEvacuation: 'Paced' },
    );
    expect((await run()).code).toBe(0);
    expect(emqx.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(3);
    expect(emqx.asked.some(({ path }) => path.includes('bulk'))).toBe(false);
  });
});

describe("the user's own hook", () => {
  it.concurrent('runs after the drain, with its own environment and arguments', async () => {
    const { run, emqx } = await stage();
    const { code, output } = await run({
      args: ['--', '/bin/sh', '-c', 'echo "$0|$1|$state|$LC_ALL|$self|$(umask)"; exit 7', 'x y', "it's"],
      env: { state: 'mine', self: 'me', LC_ALL: 'xx', PATH: '/nowhere' },
    });
    expect(output).toContain("x y|it's|mine|xx|me|0022");
    expect(code).toBe(7);
    expect(emqx.asked.at(-1)?.path).toBe('/load_rebalance/status');
  });

  it.concurrent('finds a program by the PATH of its container, not among those of busybox', async () => {
    const { run } = await stage();
    const { output } = await run({
      args: ['--', 'env', '--version'],
      env: { PATH: '/nowhere:/usr/bin:/bin' },
    });
    expect(output).toContain('coreutils');
  });
});

describe('started.sh', () => {
  it.concurrent(
    'voids the latch, names this start anew each time, and becomes the hook of the user',
    async () => {
      const { share } = await stage();
      const first = await share.run('started.sh', ['--', '/bin/echo', 'mine']);
      const boot = await share.read('boot');
      await share.run('started.sh');
      expect(first).toMatchObject({ code: 0, output: 'mine\n' });
      expect(boot).toMatch(/^[0-9a-f-]{36}\n$/);
      expect(await share.read('boot')).not.toBe(boot);
      expect(await share.files()).not.toContain('joined');
    },
  );
});
