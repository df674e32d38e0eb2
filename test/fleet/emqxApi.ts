/** How to be let in: an API key, or a dashboard user whose token is asked for as needed. */
export type EmqxLogin =
  { kind: 'key'; key: string; secret: string } | { kind: 'user'; username: string; password: string };

/** EMQX gave an answer that is none of those that were expected. */
export class EmqxAnswerError extends Error {}

/** A token ends when the node joins a cluster, an hour passes, or the node restarts; one new login must then do. */
const LOGINS = 2;

/** One EMQX node's management API, for reading. */
export class EmqxApi {
  #token = '';
  readonly #base: string;
  readonly #login: EmqxLogin;
  readonly #timeoutMs: number;

  /**
   * @param base `http://10.244.0.7:18083`
   * @param timeoutMs of one request; the status of a node that moves sessions may take as long as a batch
   */
  constructor(base: string, login: EmqxLogin, timeoutMs: number) {
    this.#base = base;
    this.#login = login;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param path below `/api/v5`
   * @returns the body of a 200
   * @throws EmqxAnswerError on any other status; TypeError or DOMException when there was no answer
   */
  async get(path: string): Promise<unknown> {
    for (let login = 1; ; login++) {
      const answer = await this.#fetch(path, { headers: { authorization: await this.#authorization() } });
      if (answer.status === 200) return answer.json();
      await answer.body?.cancel();
      this.#token = '';
      if (answer.status !== 401 || login === LOGINS || this.#login.kind === 'key') {
        throw new EmqxAnswerError(`GET ${path} of ${this.#base}: ${answer.status}`);
      }
    }
  }

  async #authorization(): Promise<string> {
    switch (this.#login.kind) {
      case 'key':
        return `Basic ${Buffer.from(`${this.#login.key}:${this.#login.secret}`).toString('base64')}`;
      case 'user':
        if (this.#token === '') this.#token = await this.#newToken(this.#login);
        return `Bearer ${this.#token}`;
    }
  }

  async #newToken({ username, password }: { username: string; password: string }): Promise<string> {
    const answer = await this.#fetch('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    const body: unknown = answer.status === 200 ? await answer.json() : {};
    if (typeof body !== 'object' || body === null || !('token' in body) || typeof body.token !== 'string') {
      throw new EmqxAnswerError(`login as ${username} at ${this.#base}: ${answer.status}`);
    }
    return body.token;
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    return fetch(`${this.#base}/api/v5${path}`, {
      ...init,
      headers: { accept: 'application/json', ...(init.headers as Record<string, string>) },
      signal: AbortSignal.timeout(this.#timeoutMs),
    });
  }
}
