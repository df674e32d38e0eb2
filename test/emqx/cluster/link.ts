import { createHmac } from 'node:crypto';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { lookup } from 'node:dns/promises';
import { reasonOf, type Log } from '../log.js';

/** EMQX's ports between nodes: Erlang distribution, and gen_rpc. */
export const distributionPort = 4370;
export const rpcPort = 5369;

/** Answers one request of another node; what it throws becomes the caller's error. */
export type Answer = (params: unknown, from: string) => unknown;
export type Answers = ReadonlyMap<string, Answer>;

/** What a node says of itself when it greets. */
export interface Greeting {
  readonly name: string;
  readonly startedAt: number;
}

type Frame =
  | { readonly k: 'hello'; readonly from: string; readonly to: string; readonly proof: string }
  | { readonly k: 'welcome'; readonly greeting: Greeting }
  | { readonly k: 'call'; readonly id: number; readonly m: string; readonly p: unknown }
  | { readonly k: 'cast'; readonly m: string; readonly p: unknown }
  | { readonly k: 'ok'; readonly id: number; readonly r: unknown }
  | { readonly k: 'err'; readonly id: number; readonly e: string }
  | { readonly k: 'ping' };

export interface Identity {
  readonly name: string;
  readonly cookie: string;
  readonly startedAt: () => number;
}

/** The other node refused a call, or could not be asked. */
export class RpcError extends Error {}

/** Names are `emqx@host`; only the host is looked up, by the system's resolver. */
export function hostOf(node: string): string {
  return node.slice(node.indexOf('@') + 1);
}

/** One connection to another node, over which this one asks and tells. The other way has a connection of its own. */
export class Link {
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #nextId = 1;
  #buffered: Buffer[] = [];
  readonly closed: Promise<void>;

  private constructor(
    readonly node: string,
    readonly socket: Socket,
    readonly greeting: Greeting,
  ) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new RpcError(`connection to ${node} closed`));
      this.#waiting.clear();
    });
  }

  /** Connects and greets. Rejects when nobody is there, the cookie differs, or the node there has another name. */
  static async open(node: string, port: number, self: Identity, silenceMs: number): Promise<Link> {
    const { address } = await lookup(hostOf(node));
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, noDelay: true });
      const giveUp = setTimeout(() => socket.destroy(new Error('no welcome')), 5_000);
      let link: Link | undefined;
      socket.on('error', reject);
      socket.once('close', () => {
        clearTimeout(giveUp);
        reject(new RpcError(`${node} closed the connection`));
      });
      socket.once('connect', () => {
        socket.write(
          encode({ k: 'hello', from: self.name, to: node, proof: proof(self.cookie, self.name, node) }),
        );
      });
      // Pings come every fourth of this.
      socket.setTimeout(silenceMs, () => socket.destroy());
      readFrames(socket, (frame) => {
        if (link) link.#on(frame);
        else if (frame.k === 'welcome') {
          clearTimeout(giveUp);
          link = new Link(node, socket, frame.greeting);
          resolve(link);
        } else socket.destroy();
      });
    });
  }

  /** Asks; rejects with RpcError when the other refuses, or goes, or has not answered in `timeoutMs`. */
  call(method: string, params: unknown, timeoutMs = 15_000): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new RpcError(`connection to ${this.node} closed`));
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RpcError(`${this.node} did not answer ${method} in ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#send({ k: 'call', id, m: method, p: params });
    });
  }

  /** Tells; nobody learns whether it arrived. */
  cast(method: string, params: unknown): void {
    this.#send({ k: 'cast', m: method, p: params });
  }

  close(): void {
    this.socket.destroy();
  }

  /** All frames of one turn of the event loop go out in one write. */
  #send(frame: Frame): void {
    if (this.socket.destroyed) return;
    if (this.#buffered.length === 0) {
      setImmediate(() => {
        const all = this.#buffered;
        this.#buffered = [];
        if (!this.socket.destroyed)
          this.socket.write(all.length === 1 && all[0] ? all[0] : Buffer.concat(all));
      });
    }
    this.#buffered.push(encode(frame));
  }

  #on(frame: Frame): void {
    if (frame.k !== 'ok' && frame.k !== 'err') return;
    const waiting = this.#waiting.get(frame.id);
    this.#waiting.delete(frame.id);
    if (frame.k === 'ok') waiting?.resolve(frame.r);
    else waiting?.reject(new RpcError(frame.e));
  }
}

export interface Acceptor {
  /** Closes the port and every connection that others have made. */
  close(): void;
  /** Drops the connections of one node. */
  drop(node: string): void;
}

export interface AcceptorOptions {
  readonly host: string;
  readonly port: number;
  readonly self: Identity;
  readonly answers: Answers;
  readonly silenceMs: number;
  readonly log: Log;
  /** False: connections are closed at once, as if the network between the nodes were cut. */
  readonly isOpen: () => boolean;
  /** The last connection of `node` to this port has gone. */
  readonly onGone: (node: string) => void;
}

/** Listens for other nodes, checks their cookie, and answers what they ask. */
export async function accept(options: AcceptorOptions): Promise<Acceptor> {
  const bySender = new Map<string, Set<Socket>>();
  const all = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    all.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => all.delete(socket));
    if (!options.isOpen()) return void socket.destroy();
    serve(socket, options, bySender);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    close: () => {
      server.close();
      for (const socket of all) socket.destroy();
    },
    drop: (node) => {
      for (const socket of bySender.get(node) ?? []) socket.destroy();
    },
  };
}

function serve(socket: Socket, options: AcceptorOptions, bySender: Map<string, Set<Socket>>): void {
  const { self, answers, log } = options;
  let from: string | undefined;
  const ping = setInterval(
    () => void (from !== undefined && socket.write(encode({ k: 'ping' }))),
    options.silenceMs / 4,
  );
  socket.once('close', () => {
    clearInterval(ping);
    if (from === undefined) return;
    const others = bySender.get(from);
    others?.delete(socket);
    if (others?.size === 0) {
      bySender.delete(from);
      options.onGone(from);
    }
  });
  readFrames(socket, (frame) => {
    if (from === undefined) {
      if (frame.k !== 'hello' || frame.to !== self.name) return void socket.destroy();
      if (frame.proof !== proof(self.cookie, frame.from, self.name)) {
        log('error', 'connection_attempt_rejected', { from: frame.from, reason: 'invalid cookie' });
        return void socket.destroy();
      }
      from = frame.from;
      const others = bySender.get(from);
      if (others) others.add(socket);
      else bySender.set(from, new Set([socket]));
      socket.write(encode({ k: 'welcome', greeting: { name: self.name, startedAt: self.startedAt() } }));
      return;
    }
    if (frame.k !== 'call' && frame.k !== 'cast') return;
    const sender = from;
    const answer = answers.get(frame.m);
    const work = Promise.resolve(null).then(() => {
      if (!answer) throw new RpcError(`undef: ${frame.m}`);
      return answer(frame.p, sender);
    });
    work.then(
      (result) =>
        void (
          frame.k === 'call' &&
          !socket.destroyed &&
          socket.write(encode({ k: 'ok', id: frame.id, r: result ?? null }))
        ),
      (error: unknown) => {
        if (frame.k === 'call' && !socket.destroyed)
          socket.write(encode({ k: 'err', id: frame.id, e: reasonOf(error) }));
        else log('warning', 'cast_failed', { method: frame.m, from: sender, reason: reasonOf(error) });
      },
    );
  });
}

function proof(cookie: string, from: string, to: string): string {
  return createHmac('sha256', cookie).update(`${from} ${to}`).digest('base64');
}

/** Length in four bytes, then JSON. */
function encode(frame: Frame): Buffer {
  const text = JSON.stringify(frame);
  const size = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + size);
  bytes.writeUInt32BE(size, 0);
  bytes.write(text, 4);
  return bytes;
}

function readFrames(socket: Socket, onFrame: (frame: Frame) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const size = rest.readUInt32BE(at);
      if (size > 64 * 1024 * 1024) return void socket.destroy();
      if (rest.length - at < 4 + size) break;
      // Only a node with our cookie is read beyond its hello, and it runs this same program.
      let frame: Frame;
      try {
        frame = JSON.parse(rest.toString('utf8', at + 4, at + 4 + size)) as Frame;
      } catch {
        return void socket.destroy();
      }
      at += 4 + size;
      onFrame(frame);
      if (socket.destroyed) return;
    }
    rest = at === 0 ? rest : rest.subarray(at);
  });
}
