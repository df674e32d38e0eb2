/**
 * The observer of EMQX: a program of its own because it must run where the pods' addresses can be reached, and because
 * the fleet must not make it late. Reads which pods to ask from stdin, one JSON array of {name, address} a line, and
 * writes observations to stdout, one JSON object a line. Ends with its stdin, or on SIGTERM.
 *
 * Environment: EMQX_API_PORT (18083); EMQX_API_KEY and EMQX_API_SECRET, else EMQX_USER (admin) and EMQX_PASSWORD (public).
 */
import { createInterface } from 'node:readline';
import type { EmqxLogin } from './emqxApi.js';
import { EmqxWatch } from './emqxWatch.js';
import type { PodTarget } from './emqxWatch.js';

const { env } = process;
const login: EmqxLogin =
  env['EMQX_API_KEY'] && env['EMQX_API_SECRET']
    ? { kind: 'key', key: env['EMQX_API_KEY'], secret: env['EMQX_API_SECRET'] }
    : { kind: 'user', username: env['EMQX_USER'] ?? 'admin', password: env['EMQX_PASSWORD'] ?? 'public' };

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
process.on('SIGINT', () => stop.abort());
process.stdout.on('error', () => stop.abort());

const watch = new EmqxWatch({
  login,
  apiPort: Number(env['EMQX_API_PORT'] ?? 18_083),
  write: (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`),
});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => watch.follow(JSON.parse(line) as PodTarget[]));
lines.on('close', () => stop.abort());
await watch.run(stop.signal);
lines.close();
