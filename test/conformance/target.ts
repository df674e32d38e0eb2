import { bundleStandIn } from '../emqx/bundle.js';
import { ownAddress } from '../emqx/loopback.js';
import { dispose, startNode, testKey, untilJoined, type TestNode } from '../emqx/testNode.js';

/** One node of the cluster that the suite talks to. */
export interface Node {
  readonly name: string;
  /** Of the API, without a path. */
  readonly url: string;
  readonly mqttHost: string;
  readonly mqttPort: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON, or undefined. */
  readonly body: unknown;
}

export interface RequestOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with these headers. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the suite's key. */
  readonly authorization?: string | null;
  readonly accept?: string | null;
}

/** The major version of the management API. */
export type ApiVersion = 4 | 5;

/** A cluster of at least two nodes: the user's, or stand-ins on loopback addresses. */
export class Target {
  private constructor(
    readonly version: ApiVersion,
    readonly nodes: readonly [Node, Node, ...Node[]],
    readonly authorization: string,
    readonly own: readonly TestNode[],
  ) {}

  /**
   * `EMQX_URLS`, `MQTT_HOSTS`, `EMQX_API_KEY`, `EMQX_API_SECRET` (EMQX 4: id and secret of an application); without
   * `EMQX_URLS`, stand-ins.
   * @throws Error when the nodes at `EMQX_URLS` have another version of the API than the suite is for
   */
  static async open(version: ApiVersion): Promise<Target> {
    const { env } = process;
    if (env.EMQX_URLS === undefined) return Target.#standIns(version);
    const urls = list(env.EMQX_URLS);
    const hosts = list(need(env, 'MQTT_HOSTS'));
    if (urls.length < 2 || urls.length !== hosts.length) {
      throw new Error('EMQX_URLS and MQTT_HOSTS need the same number of entries, at least two');
    }
    const authorization = basic(need(env, 'EMQX_API_KEY'), need(env, 'EMQX_API_SECRET'));
    const target = await Target.#of(version, urls, hosts, authorization, []);
    await target.#needsQuiet();
    return target;
  }

  /** Counts are compared exactly, and evacuations would throw out other people's clients. */
  async #needsQuiet(): Promise<void> {
    await this.tidy();
    const { body } = await this.api(this.a, '/nodes');
    const list = this.version === 4 ? (body as { readonly data: unknown }).data : body;
    const nodes = list as readonly { readonly connections?: number }[];
    const sessions = nodes.reduce((sum, { connections = 0 }) => sum + connections, 0);
    if (sessions > 0)
      throw new Error(
        `the cluster has ${sessions} clients or sessions; the suite evacuates nodes and needs one without`,
      );
  }

  static async #standIns(version: ApiVersion): Promise<Target> {
    const program = await bundleStandIn();
    const hosts = [ownAddress(1), ownAddress(2)];
    const env = {
      ...(version === 4
        ? { STANDIN_VERSION: '4.4.14', EMQX_CLUSTER__DISCOVERY: 'static' }
        : { EMQX_CLUSTER__DISCOVERY_STRATEGY: 'static' }),
      EMQX_CLUSTER__STATIC__SEEDS: hosts.map((host) => `emqx@${host}`).join(','),
    };
    const own = hosts.map((host) => startNode({ program, host, env }));
    try {
      await untilJoined(own);
      const urls = hosts.map((host) => `http://${host}:${version === 4 ? 8081 : 18083}`);
      return await Target.#of(version, urls, hosts, basic(testKey.key, testKey.secret), own);
    } catch (error) {
      await dispose(own);
      throw error;
    }
  }

  static async #of(
    version: ApiVersion,
    urls: readonly string[],
    hosts: readonly string[],
    authorization: string,
    own: readonly TestNode[],
  ) {
    const nodes = await Promise.all(
      urls.map(async (url, at): Promise<Node> => {
        const path = version === 4 ? '/nodes' : '/cluster';
        const asked = await send(url, `/api/v${version}${path}`, {}, authorization);
        if (asked.status !== 200)
          throw new Error(
            `${url} has no API of version ${version} (run test/conformance/v4 or v5 alone): ${asked.status} ${asked.text}`,
          );
        const { text } = await send(url, '/status', {}, authorization);
        const name = /^Node (\S+) is started/.exec(text)?.[1];
        if (name === undefined) throw new Error(`${url} does not name its node: ${text}`);
        const [host = '', port = '1883'] = (hosts[at] ?? '').split(':');
        return { name, url: url.replace(/\/$/, ''), mqttHost: host, mqttPort: Number(port) };
      }),
    );
    const [first, second, ...more] = nodes;
    if (!first || !second) throw new Error('at least two nodes are needed');
    return new Target(version, [first, second, ...more], authorization, own);
  }

  get a(): Node {
    return this.nodes[0];
  }

  get b(): Node {
    return this.nodes[1];
  }

  /** A request under `/api/v5`, or `/api/v4`; resolves with any status. */
  api(node: Node, path: string, options: RequestOptions = {}): Promise<Reply> {
    return send(node.url, `/api/v${this.version}${path}`, options, this.authorization);
  }

  /** A request outside of the API's paths. */
  plain(node: Node, path: string, options: RequestOptions = {}): Promise<Reply> {
    return send(node.url, path, options, this.authorization);
  }

  start(node: Node, json?: unknown, askedOf: Node = node): Promise<Reply> {
    return this.api(askedOf, `/load_rebalance/${node.name}/evacuation/start`, {
      method: 'POST',
      ...(json === undefined ? {} : { json }),
    });
  }

  stop(node: Node, askedOf: Node = node): Promise<Reply> {
    return this.api(askedOf, `/load_rebalance/${node.name}/evacuation/stop`, { method: 'POST' });
  }

  async status(node: Node): Promise<Status> {
    return (await this.api(node, '/load_rebalance/status')).body as Status;
  }

  /** Leaves no evacuation, rebalance or client of the suite behind. */
  async tidy(): Promise<void> {
    for (const node of this.nodes) {
      await this.stop(node);
      await this.api(node, `/load_rebalance/${node.name}/stop`, { method: 'POST' });
    }
    const query =
      this.version === 4 ? '_limit=1000&_page=1&_like_clientid' : 'limit=1000&page=1&like_clientid';
    const { body } = await this.api(this.a, `/clients?${query}=conformance`);
    const { data = [] } = (body ?? {}) as { readonly data?: readonly { readonly clientid: string }[] };
    const ids = data.map(({ clientid }) => clientid).filter((clientid) => clientid.startsWith('conformance'));
    if (ids.length > 0) await this.#kick(ids);
  }

  async #kick(ids: readonly string[]): Promise<void> {
    if (this.version === 5) await this.api(this.a, '/clients/kickout/bulk', { method: 'POST', json: ids });
    else for (const id of ids) await this.api(this.a, `/clients/${id}`, { method: 'DELETE' });
  }

  async close(): Promise<void> {
    await dispose(this.own);
  }
}

/** `GET /load_rebalance/status`. */
export interface Status {
  readonly status: string;
  readonly process?: string;
  readonly state?: string;
  readonly session_recipients?: readonly string[];
  readonly connection_eviction_rate?: number;
  readonly stats?: Readonly<Record<string, number>>;
}

export function basic(key: string, secret: string): string {
  return `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
}

async function send(
  url: string,
  path: string,
  options: RequestOptions,
  authorization: string,
): Promise<Reply> {
  const { method = 'GET', json, raw, headers = {}, accept = 'application/json' } = options;
  const auth = options.authorization === undefined ? authorization : options.authorization;
  const body = json === undefined ? raw : JSON.stringify(json);
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(accept === null ? {} : { accept }),
      ...(auth === null ? {} : { authorization: auth }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // not JSON
  }
  return { status: response.status, headers: response.headers, text, body: parsed };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function need(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is needed with EMQX_URLS`);
  return value;
}
