/**
 * An OTLP receiver as a program, to be started in a cluster's network: `node dist/test/otlp/main.js PORT`. It says
 * `ready` when it listens; `GET /spans` gives what was taken.
 */
import { startReceiver } from './receiver.js';

await startReceiver({ host: '0.0.0.0', port: Number(process.argv[2] ?? 4318) });
console.log('ready');
