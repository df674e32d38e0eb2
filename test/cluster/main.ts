import { takeDown } from './down.js';
import { enterNetwork } from './enclosure.js';
import { loadImage } from './images/load.js';
import { settingsFrom, type Settings } from './settings.js';
import { isUp, statusOf } from './status.js';
import { spawn } from 'node:child_process';
import { up } from './up.js';

const help = `Usage: main.js COMMAND

A Kubernetes of its own on this machine, in a network namespace without a way out. Needs root.

  up              bring it up, and whatever an earlier run left away; returns when its node is Ready
  down            take it down; nothing of it stays but the cache
  status          say what runs; exit code 1 unless all does
  env             print "export KUBECONFIG=…", to be evaluated by a shell
  load NAME DOCKERFILE CONTEXT [ARG=VALUE …]
                  build an image without a registry and give it to the cluster; ARG NODE_IMAGE gets localhost/node:24
  exec -- WORDS   run a command in the cluster's network, where pods and Services can be reached

Environment:
  SLUICE_CLUSTER  the cluster's name, 1 to 9 of a-z and 0-9 (default main); clusters of other names may coexist
  SLUICE_STATE    folder for the state of clusters (default /var/lib/sluice)
  SLUICE_CACHE    folder for what was built (default $XDG_CACHE_HOME/sluice, or ~/.cache/sluice)
  SLUICE_ETCD, SLUICE_KUBE_APISERVER, SLUICE_KUBE_CONTROLLER_MANAGER, SLUICE_KUBE_SCHEDULER, SLUICE_KUBELET,
  SLUICE_KUBE_PROXY, SLUICE_KUBECTL, SLUICE_COREDNS, SLUICE_HELM
                  a binary to use; else the PATH, the cache, the official release and a build are tried
`;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main([command = '', ...rest]: readonly string[]): Promise<number> {
  const settings = settingsFrom(process.env);
  switch (command) {
    case 'up':
      await up(settings, { env: process.env, say });
      say(`kubeconfig: ${settings.kubeconfig}`);
      return 0;
    case 'down':
      await takeDown(settings);
      return 0;
    case 'status':
      return showStatus(settings);
    case 'env':
      process.stdout.write(`export KUBECONFIG=${settings.kubeconfig}\n`);
      return 0;
    case 'load':
      return load(settings, rest);
    case 'exec':
      return execute([...enterNetwork(settings), ...(rest[0] === '--' ? rest.slice(1) : rest)]);
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(help);
      return 0;
    default:
      process.stderr.write(help);
      return 2;
  }
}

async function load(
  settings: Settings,
  [name, dockerfile, context, ...rest]: readonly string[],
): Promise<number> {
  if (name === undefined || dockerfile === undefined || context === undefined) {
    say('load needs NAME DOCKERFILE CONTEXT');
    return 2;
  }
  const buildArgs = Object.fromEntries(
    rest.map((word) => [word.split('=')[0] ?? '', word.slice(word.indexOf('=') + 1)]),
  );
  await loadImage({ name, dockerfile, context, buildArgs }, { settings, env: process.env, say });
  return 0;
}

async function showStatus(settings: Settings): Promise<number> {
  const { components, nodeReady } = await statusOf(settings);
  for (const [name, pid] of Object.entries(components)) say(`${name.padEnd(24)} ${pid ?? 'not running'}`);
  say(`${settings.nodeName.padEnd(24)} ${nodeReady ? 'Ready' : 'not Ready'}`);
  return (await isUp(settings)) ? 0 : 1;
}

function execute([program = '', ...args]: readonly string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(program, args, { stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => child.kill(name));
  child.on('error', reject);
  child.on('close', (code) => {
    resolve(code ?? 1);
  });
  return promise;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
