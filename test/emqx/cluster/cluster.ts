import type { Log } from '../log.js';
import { reasonOf } from '../log.js';
import { wait, within, type Clock } from '../time.js';
import type { Settings } from '../settings.js';
import { discover } from './discovery.js';
import {
  accept,
  distributionPort,
  Link,
  rpcPort,
  RpcError,
  type Acceptor,
  type Answer,
  type Identity,
} from './link.js';
import {
  answerJoin,
  chooseToJoin,
  membersFile,
  singleNodeLicence,
  type Candidate,
  type JoinAnswer,
  type MembersFile,
} from './members.js';
import { Peers } from './peers.js';

/** What joining brings from the cluster: its tables take the place of the joiner's. */
export interface Joined {
  readonly members: readonly string[];
  readonly running: readonly string[];
  readonly tables: unknown;
}

/** What the cluster does to the rest of its node. */
export interface ClusterHost {
  /** What a peer must know of this node when it has connected. */
  syncFor(): unknown;
  onSync(node: string, sync: unknown): void;
  onGone(node: string): void;
  /** Joining and leaving restart the node's applications: listeners close, memory is lost. */
  stopApps(): void;
  startApps(): Promise<void>;
  /** Cluster-wide tables, for a joiner. */
  tables(): unknown;
  takeTables(tables: unknown): void;
  isIsolated(): boolean;
}

/** Who belongs to the cluster, and the connections to them. @see emqx/ekka: src/ekka_autocluster.erl */
export class Cluster {
  #members: readonly string[];
  readonly #downSince = new Map<string, number>();
  readonly #unproven = new Set<string>();
  readonly peers: Peers;
  readonly #file: MembersFile;
  readonly #identity: Identity;
  readonly #silenceMs: number;
  #openedAt: number | undefined;
  #acceptors: readonly Acceptor[] = [];
  #answers = new Map<string, Answer>();
  isJoining = false;
  isStopping = false;

  constructor(
    readonly settings: Settings,
    readonly host: ClusterHost,
    readonly clock: Clock,
    readonly log: Log,
  ) {
    this.#members = [settings.node];
    this.#file = membersFile(settings.dataDir, settings.node);
    // Nodes of EMQX 4 and 5 cannot share a cluster, whatever their cookies.
    const cookie = `${settings.abilities.api} ${settings.cookie}`;
    this.#identity = { name: settings.node, cookie, startedAt: () => this.#reachableSince() };
    this.#silenceMs = settings.netTickMs * settings.timeScale;
    this.peers = new Peers({
      self: this.#identity,
      clock,
      silenceMs: this.#silenceMs,
      redialMs: 1_000,
      isOpen: () => !host.isIsolated(),
      onUp: (link) => {
        this.#downSince.delete(link.node);
        link.cast('sync', host.syncFor());
      },
      onDown: (node) => {
        this.#downSince.set(node, clock.now());
        log('warning', 'node_down', { node });
      },
    });
  }

  get self(): string {
    return this.settings.node;
  }

  members(): readonly string[] {
    return this.#members;
  }

  /** Itself and every member that is connected, in order of name. */
  running(): readonly string[] {
    return [this.self, ...this.peers.running()].sort();
  }

  isRunning(node: string): boolean {
    return node === this.self || this.peers.isRunning(node);
  }

  answers(): readonly (readonly [string, Answer])[] {
    return [
      ['sync', (sync, from) => this.#onSync(from, sync)],
      ['members', () => this.#members],
      ['is_member', (node) => this.#members.includes(node as string)],
      ['join_check', (joiner) => this.#joinAnswer(joiner as string)],
      ['join', (joiner) => this.#onJoin(joiner as string)],
      ['member_added', (node) => this.#add(node as string)],
      ['member_removed', (node) => this.#forget(node as string)],
      ['leave', () => this.#leave()],
      ['invited', (_params, from) => this.join(from)],
    ];
  }

  /**
   * Opens the ports between nodes and connects to the members that the disk remembers.
   * @throws Error when these are several, and the licence is for one node
   */
  async open(answers: ReadonlyMap<string, Answer>): Promise<void> {
    this.#answers = new Map(answers);
    const remembered = this.#file.read() ?? [];
    if (remembered.length > 1 && this.settings.hasSingleNodeLicence) throw new Error('SINGLE_NODE_LICENSE');
    const { bind } = this.settings;
    const common = {
      host: bind,
      self: this.#identity,
      answers: this.#answers,
      silenceMs: this.#silenceMs,
      log: this.log,
    };
    const isOpen = () => !this.host.isIsolated();
    this.#acceptors = await Promise.all([
      accept({ ...common, port: distributionPort, isOpen, onGone: (node) => this.#onGone(node) }),
      accept({ ...common, port: rpcPort, isOpen, onGone: () => undefined }),
    ]);
    this.#reachableSince();
    if (remembered.length > 1 && remembered.includes(this.self)) await this.#rejoin(remembered);
  }

  /** Looks for others until this node is in a cluster. Returns at once; `signal` ends it. */
  async autocluster(signal: AbortSignal): Promise<void> {
    const { settings, clock } = this;
    if (settings.discovery.kind === 'manual') return;
    await wait(clock, Math.random() * settings.discoveryDelayMs);
    while (!signal.aborted && this.#members.length === 1) {
      if (!settings.staysAlone && !this.isJoining) await this.#lookAndJoin();
      await wait(clock, settings.discoveryRetryMs);
    }
  }

  /**
   * Joins the cluster of `node`. Listeners close first and open again when the join is done; when `node` goes in
   * between, they stay closed (seen on 5.8.9).
   * @throws RpcError when the node refuses, or the licence forbids it, before anything has happened
   */
  async join(node: string): Promise<void> {
    const { host, log, clock, settings } = this;
    if (this.isJoining) throw new RpcError('another join is under way');
    if (settings.hasSingleNodeLicence) throw new RpcError(singleNodeLicence(this.self));
    const link = await Link.open(node, distributionPort, this.#identity, this.#silenceMs);
    this.isJoining = true;
    try {
      const answer = (await link.call('join_check', this.self)) as JoinAnswer;
      if (answer.kind === 'refused') throw new RpcError(answer.reason);
    } catch (error) {
      this.isJoining = false;
      link.close();
      throw error;
    }
    log('warning', 'node_joining', { node });
    host.stopApps();
    this.#file.drop();
    try {
      await Promise.race([
        wait(clock, settings.joinMs),
        link.closed.then(() => {
          throw new RpcError(`${node} went away`);
        }),
      ]);
      const joined = (await link.call('join', this.self)) as Joined | { readonly refused: string };
      if ('refused' in joined) throw new RpcError(joined.refused);
      this.#set(joined.members);
      host.takeTables(joined.tables);
      await within(10_000, 'connecting to the cluster', this.#connected(joined.running));
    } catch (error) {
      // As seen live: the process stays, without MQTT and without API, and does not try again.
      log('error', 'join_failed', { node, reason: reasonOf(error) });
      return;
    } finally {
      link.close();
    }
    this.isJoining = false;
    log('warning', 'node_joined', { node, members: this.#members });
    await host.startApps();
  }

  /** Makes `node` join this one. @throws RpcError with its reason */
  async invite(node: string, timeoutMs: number): Promise<void> {
    const link = await Link.open(node, distributionPort, this.#identity, this.#silenceMs);
    try {
      await link.call('invited', null, timeoutMs);
    } finally {
      link.close();
    }
  }

  /** Takes a stopped node out of the cluster, or makes a running one leave. False: it is no member. */
  async forceLeave(node: string): Promise<boolean> {
    if (!this.#members.includes(node)) return false;
    if (this.peers.isRunning(node)) await this.peers.ask(node, 'leave', null);
    await this.peers.askAll('member_removed', node);
    this.#forget(node);
    return true;
  }

  /** Once a second: members that have been down for too long, peers that nobody had vouched for yet. */
  sweep(): void {
    const now = this.clock.now();
    for (const node of this.#members) {
      if (this.isRunning(node)) continue;
      if (!this.#downSince.has(node)) this.#downSince.set(node, now);
      if (now - (this.#downSince.get(node) ?? now) > this.settings.autocleanMs * this.settings.timeScale)
        this.#forget(node);
    }
    for (const node of this.#unproven) void this.#prove(node);
  }

  /** Cuts all connections; while `isIsolated` none comes back. */
  cut(): void {
    this.peers.cut();
    for (const acceptor of this.#acceptors) for (const node of this.#members) acceptor.drop(node);
  }

  close(): void {
    this.peers.want([]);
    for (const acceptor of this.#acceptors) acceptor.close();
  }

  async #lookAndJoin(): Promise<void> {
    const names = await discover(this.settings.discovery, this.self);
    const found = (await Promise.all(names.map((name) => this.#greet(name)))).filter(
      (one) => one !== undefined,
    );
    const target = chooseToJoin(this.self, this.#members, found);
    if (target === undefined) return;
    try {
      await this.join(target);
    } catch (error) {
      this.log('error', 'join_refused', { node: target, reason: reasonOf(error) });
    }
  }

  /** Whether somebody of that very name is there. */
  async #greet(name: string): Promise<Candidate | undefined> {
    if (name === this.self) return { name, startedAt: this.#reachableSince() };
    if (this.host.isIsolated()) return undefined;
    try {
      const link = await Link.open(name, distributionPort, this.#identity, this.#silenceMs);
      link.close();
      return link.greeting;
    } catch {
      return undefined;
    }
  }

  /** From its first call on: a node that could not be reached when others joined each other is no older than they. */
  #reachableSince(): number {
    return (this.#openedAt ??= this.clock.now());
  }

  /** A restart on the same disk: no join, but what the others know by now counts. */
  async #rejoin(remembered: readonly string[]): Promise<void> {
    const others = remembered.filter((node) => node !== this.self);
    for (const node of others) {
      try {
        const link = await Link.open(node, distributionPort, this.#identity, this.#silenceMs);
        const members = (await link.call('members', null).finally(() => link.close())) as readonly string[];
        if (members.includes(this.self)) this.#set(members);
        else this.#file.drop();
        if (this.#members.length > 1) await within(5_000, 'connecting', this.#tried()).catch(() => undefined);
        return;
      } catch {
        // down as well; the next may know
      }
    }
    this.#set(remembered);
  }

  #joinAnswer(joiner: string): JoinAnswer {
    return answerJoin({
      joiner,
      self: this.self,
      members: this.#members,
      isStopping: this.isStopping || this.isJoining,
      isSingleNodeLicence: this.settings.hasSingleNodeLicence,
      admitsListed: this.settings.admitsListed && !this.isRunning(joiner),
    });
  }

  async #onJoin(joiner: string): Promise<Joined | { readonly refused: string }> {
    const answer = this.#joinAnswer(joiner);
    if (answer.kind === 'refused') return { refused: answer.reason };
    const running = this.running();
    this.#add(joiner);
    await this.peers.askAll('member_added', joiner);
    return { members: this.#members, running, tables: this.host.tables() };
  }

  #onSync(node: string, sync: unknown): void {
    if (!this.#members.includes(node)) {
      this.#unproven.add(node);
      void this.#prove(node);
      return;
    }
    this.host.onSync(node, sync);
    this.peers.synced(node);
  }

  /** A node may have joined over another member at the same time as we did: somebody here must know it. */
  async #prove(node: string): Promise<void> {
    const answers = await this.peers.askAll('is_member', node, 5_000);
    if (this.#unproven.has(node) && answers.some(([, isMember]) => isMember === true)) this.#add(node);
  }

  #onGone(node: string): void {
    this.#unproven.delete(node);
    this.peers.gone(node);
    this.host.onGone(node);
  }

  /** A running node that is told to leave drops its database and is alone. */
  #leave(): void {
    this.log('warning', 'node_leaves_cluster');
    setImmediate(() => {
      this.host.stopApps();
      this.#set([this.self]);
      void this.host.startApps();
    });
  }

  #add(node: string): void {
    if (!this.#members.includes(node)) this.#set([...this.#members, node]);
    // What it told us before we knew it is old by now: it connects again, and tells anew.
    if (this.#unproven.delete(node)) for (const acceptor of this.#acceptors) acceptor.drop(node);
  }

  #forget(node: string): void {
    if (node !== this.self) this.#set(this.#members.filter((member) => member !== node));
    this.#downSince.delete(node);
    this.host.onGone(node);
  }

  #set(members: readonly string[]): void {
    this.#members = [...members];
    if (members.length > 1) this.#file.save(members);
    else this.#file.drop();
    this.peers.want(members.filter((node) => node !== this.self));
  }

  async #connected(nodes: readonly string[]): Promise<void> {
    while (!nodes.every((node) => this.isRunning(node)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #tried(): Promise<void> {
    const others = this.#members.filter((node) => node !== this.self);
    while (!others.every((node) => this.isRunning(node) || this.peers.hasTried(node))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
