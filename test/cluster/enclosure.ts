import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, namespaceOf, processes, type Process } from './processes.js';
import { run, tryRun } from './run.js';
import { serviceRange, type Settings } from './settings.js';
import { until } from './wait.js';

/*
 * The cluster lives in three namespaces of its own. Network: no route leads out. Processes: when the first
 * process, the holder, is killed, the kernel kills every other one, shims and containers too. Mounts: they
 * go with the last process. So however a run ended, killing one process cleans up after it; and that process
 * is known by its command line, not from a file that may not have been written.
 */

/** The cluster's first process, or nothing when it does not run. */
export function findHolder(settings: Settings): Process | undefined {
  const script = holderScript(settings);
  return processes().find(({ argv }) => argv[0] === 'sh' && argv[1] === script);
}

/** Every process inside, the holder itself apart. */
export function inhabitants(holder: Process): Process[] {
  const namespace = namespaceOf(holder.pid, 'pid');
  if (namespace === undefined) return [];
  return processes().filter(({ pid }) => pid !== holder.pid && namespaceOf(pid, 'pid') === namespace);
}

/** Makes the namespaces and the link between host and node. @throws CommandError, WaitError */
export async function makeEnclosure(settings: Settings): Promise<Process> {
  await makeNetwork(settings);
  const script = holderScript(settings);
  mkdirSync(join(settings.stateDir, 'run'), { recursive: true });
  writeFileSync(script, holderText(settings));
  spawnDetached(settings, 'holder', [
    ...enterNetwork(settings),
    ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', script],
  ]);
  const ready = join(settings.stateDir, 'run', 'ready');
  return until('the namespaces', () => (existsSync(ready) ? findHolder(settings) : undefined), {
    timeoutMs: 5_000,
    everyMs: 20,
  });
}

/** Words to put before a command so that it runs in the cluster's network, and else where it is. */
export function enterNetwork({ netns }: Settings): string[] {
  // Not `ip netns exec`, which remounts /sys and hides the cgroups.
  return ['nsenter', `--net=/run/netns/${netns}`, '--'];
}

/** Words to put before a command so that it runs among the cluster's programs. */
export function enterAll(holder: Process): string[] {
  return ['nsenter', '--target', String(holder.pid), '--mount', '--pid', '--net', '--'];
}

/** Starts a program that outlives this process; its output goes to a log file. */
export function spawnDetached(
  settings: Settings,
  name: string,
  [command = '', ...args]: readonly string[],
): void {
  const folder = join(settings.stateDir, 'logs');
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  child.on('error', () => undefined);
  child.unref();
  closeSync(log);
}

/** Ends every process of the cluster, and those that were run in its network, and takes the namespaces away. */
export async function removeEnclosure(settings: Settings): Promise<void> {
  for (let holder = findHolder(settings); holder; holder = findHolder(settings)) await end(holder);
  const path = `/run/netns/${settings.netns}`;
  if (existsSync(path)) {
    const { stdout } = await tryRun('ip', ['netns', 'pids', settings.netns]);
    const inside = new Set(stdout.split('\n').filter(Boolean).map(Number));
    inside.delete(process.pid);
    for (const doomed of processes().filter(({ pid }) => inside.has(pid))) await end(doomed);
    await run('ip', ['netns', 'delete', settings.netns]);
  }
  await tryRun('ip', ['link', 'delete', settings.hostDevice]);
  await forgetNetnsFolder();
}

/** `ip netns add` leaves a mount of the folder upon itself; once it is empty nobody needs that. */
async function forgetNetnsFolder(): Promise<void> {
  const folder = '/run/netns';
  if (!existsSync(folder) || readdirSync(folder).length > 0) return;
  while ((await tryRun('umount', [folder])).code === 0);
  rmdirSync(folder);
}

async function makeNetwork(settings: Settings): Promise<void> {
  const { netns, hostDevice, hostAddress, nodeAddress } = settings;
  await run('ip', ['netns', 'add', netns]);
  await run('ip', ['link', 'add', hostDevice, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns]);
  await run('ip', ['address', 'add', `${hostAddress}/30`, 'dev', hostDevice]);
  await run('ip', ['link', 'set', hostDevice, 'up']);
  const refuseHost = `-d ${hostAddress} -m conntrack --ctstate NEW -j REJECT`;
  const inside = [
    'ip link set lo up',
    `ip address add ${nodeAddress}/30 dev eth0`,
    'ip link set eth0 up',
    // No default route: nothing leaves. A connection to a Service needs one route before it is redirected.
    `ip route add ${serviceRange} dev eth0 src ${nodeAddress}`,
    'sysctl -qw net.ipv4.ip_forward=1',
    // Who tries to get out is to hear of it at once, every time.
    'sysctl -qw net.ipv4.icmp_ratelimit=0',
    // The host may call in (kubectl, a browser); what runs inside may not call the host.
    `iptables -w -A OUTPUT ${refuseHost}`,
    `iptables -w -A FORWARD ${refuseHost}`,
  ];
  const [command = '', ...args] = [...enterNetwork(settings), 'sh', '-ec', inside.join('\n')];
  await run(command, args);
}

function holderScript({ stateDir }: Settings): string {
  return join(stateDir, 'run', 'holder.sh');
}

/** The holder shows the programs folders of their own where paths cannot be chosen, then reaps what is orphaned. */
function holderText({ stateDir }: Settings): string {
  const bound = ['lib/kubelet', 'lib/cni', 'log'];
  return `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
for folder in ${bound.join(' ')}; do
  mkdir -p "/var/$folder" "${stateDir}/var/$folder"
  mount --bind "${stateDir}/var/$folder" "/var/$folder"
done
mount --make-rshared /
: > "${stateDir}/run/ready"
set +e
while :; do sleep 3600 & wait; done
`;
}
