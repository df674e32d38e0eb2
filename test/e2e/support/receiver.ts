import { once } from 'node:events';
import { resolve } from 'node:path';
import type { LocalCluster } from '../../cluster/index.js';
import type { ReceivedSpan } from '../../otlp/decode.js';

/** An OTLP receiver in the cluster's network. */
export interface ClusterReceiver {
  /** As pods reach it. */
  url: string;
  spans(): Promise<ReceivedSpan[]>;
  stop(): Promise<void>;
}

/** Not OTLP's own port: somebody may have a collector. */
const PORT = 14318;

export async function receiverIn(cluster: LocalCluster): Promise<ClusterReceiver> {
  const child = cluster.spawnInNetwork(process.execPath, [resolve('dist/test/otlp/main.js'), String(PORT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const isReady = child.stdout && once(child.stdout, 'data');
  await Promise.race([isReady, ended.then(() => Promise.reject(new Error('the receiver has ended')))]);
  const url = `http://${cluster.nodeAddress}:${PORT}`;
  return {
    url,
    spans: async () =>
      JSON.parse(await cluster.runInNetwork('curl', ['--silent', `${url}/spans`])) as ReceivedSpan[],
    async stop() {
      child.kill();
      await ended;
    },
  };
}
