import type { LocalCluster } from '../../cluster/index.js';

/** An HTTP request from inside the cluster's network, where pods can be reached. */
export interface Question {
  method?: string;
  url: string;
  /** Sent as JSON. */
  body?: object;
  headers?: Record<string, string>;
  /** Client certificate and key, PEM. */
  cert?: string;
  key?: string;
}

/** What came back: a response, or nothing but the failure of the connection. */
export type Answer = { status: number; text: string; error?: never } | { status: 0; text: ''; error: string };

/** Servers' certificates are not looked at: it is they who are to look at ours. */
const PROGRAM = `
const { url, method = 'GET', body, headers, cert, key } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const { request } = require(url.startsWith('https:') ? 'https' : 'http');
const say = (answer) => process.stdout.write(JSON.stringify(answer));
const fail = (error) => say({ status: 0, text: '', error: error.message });
const asked = request(url, {
  method, cert, key, rejectUnauthorized: false, timeout: 10000,
  headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
}, (response) => {
  let text = '';
  response.setEncoding('utf8').on('data', (piece) => (text += piece)).on('error', fail);
  response.on('end', () => say({ status: response.statusCode, text }));
});
asked.on('error', fail).on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
asked.end(body && JSON.stringify(body));
`;

/** Asks from a host in the cluster's network; never throws for what the server does. */
export async function ask(cluster: LocalCluster, question: Question): Promise<Answer> {
  const stdin = JSON.stringify(question);
  return JSON.parse(await cluster.runInNetwork(process.execPath, ['-e', PROGRAM], { stdin })) as Answer;
}
