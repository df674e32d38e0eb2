import { existsSync } from 'node:fs';
import { networkInterfaces, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Discovery } from './cluster/discovery.js';
import { parseDuration } from './evacuation/request.js';
import { abilitiesOf, type Abilities, type Edition } from './abilities.js';
import { v4Variables, v5Variables, type Variables } from './variables.js';

/** Unkind habits that may be turned on and off while the node runs. */
export interface Switches {
  /** `up` answers; `hang` takes requests and never answers; `error` answers 500; `down` closes every connection. */
  readonly api: 'up' | 'hang' | 'error' | 'down';
  /** `GET /load_rebalance/status` answers that much later. */
  readonly statusDelayMs: number;
  /** The node is left out of other nodes' `global_status`. */
  readonly isOmittedFromGlobalStatus: boolean;
  /** The network between this node and the others is cut: they see it stopped, and it sees them stopped. */
  readonly isIsolated: boolean;
  /** Like an open-source build: no `load_rebalance`, 404. */
  readonly hasNoEvacuation: boolean;
  /** Sessions with an expiry are durable: counted across the cluster, never moved. */
  readonly isDurable: boolean;
  /** Every key is wrong. */
  readonly refusesKeys: boolean;
  /** A purge runs that somebody began by hand. */
  readonly isPurging: boolean;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Everything that a node is told from outside. Milliseconds are before scaling. */
export interface Settings {
  readonly node: string;
  readonly cookie: string;
  readonly clusterName: string;
  readonly discovery: Discovery;
  readonly dataDir: string;
  readonly bind: string;
  readonly mqtt: Address;
  readonly api: Address;
  /** EMQX 4: the dashboard's own port. */
  readonly dashboard: Address | undefined;
  readonly statsPort: number;
  readonly bootstrapFile: string | undefined;
  /** EMQX 4: id and secret of the application that is there from the start. */
  readonly application: { readonly id: string; readonly secret: string } | undefined;
  /** EMQX 5: `prometheus.enable_basic_auth`. */
  readonly scrapesNeedKey: boolean;
  readonly defaultUser: string;
  readonly defaultPassword: string;
  readonly sessionExpirySeconds: number;
  readonly maxInflight: number;
  readonly maxQueue: number;
  readonly autocleanMs: number;
  readonly netTickMs: number;
  readonly version: string;
  readonly edition: Edition;
  readonly abilities: Abilities;
  readonly timeScale: number;
  readonly bootMs: number;
  readonly joinMs: number;
  readonly stopMs: number;
  readonly discoveryDelayMs: number;
  readonly discoveryRetryMs: number;
  readonly noRecipientMs: number;
  readonly sessionMoveMs: number;
  readonly staysAlone: boolean;
  readonly hasSingleNodeLicence: boolean;
  readonly hasLicenceKey: boolean;
  readonly admitsListed: boolean;
  readonly switches: Switches;
}

export class SettingsError extends Error {}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads EMQX's variables and our own `STANDIN_*`. @throws SettingsError naming the variable */
export function readSettings(env: Env): Settings {
  const version = env.STANDIN_VERSION ?? '5.8.8';
  const edition = choice('STANDIN_EDITION', env, ['Enterprise', 'Opensource']);
  const abilities = abilitiesOf(version, edition);
  const isV4 = abilities.api === 4;
  const variables = isV4 ? v4Variables : v5Variables;
  const node = nodeName(env, isV4);
  const host = node.slice(node.indexOf('@') + 1);
  const bind = env.STANDIN_BIND ?? (host.startsWith('127.') ? host : '0.0.0.0');
  return {
    node,
    cookie: env.EMQX_NODE__COOKIE ?? env.EMQX_NODE_COOKIE ?? (isV4 ? 'emqxsecretcookie' : 'emqx50elixir'),
    clusterName: env.EMQX_CLUSTER__NAME ?? 'emqxcl',
    discovery: discovery(env, variables),
    dataDir: dataDir(env),
    bind,
    mqtt: address(variables.mqttBind, env, bind, 1883),
    api: address(variables.apiBind, env, bind, isV4 ? 8081 : 18083),
    dashboard:
      variables.dashboardBind === undefined ? undefined : address(variables.dashboardBind, env, bind, 18083),
    statsPort: number('STANDIN_STATS_PORT', env, 18099),
    bootstrapFile: unquoted(env[variables.bootstrapFile]),
    application: isV4
      ? {
          id: env.EMQX_MANAGEMENT__DEFAULT_APPLICATION__ID ?? 'admin',
          secret: env.EMQX_MANAGEMENT__DEFAULT_APPLICATION__SECRET ?? 'public',
        }
      : undefined,
    scrapesNeedKey: flag('EMQX_PROMETHEUS__ENABLE_BASIC_AUTH', env),
    defaultUser: env.EMQX_DASHBOARD__DEFAULT_USERNAME ?? 'admin',
    defaultPassword: env.EMQX_DASHBOARD__DEFAULT_PASSWORD ?? 'public',
    sessionExpirySeconds: duration(variables.sessionExpiry, env, 7_200),
    maxInflight: number(variables.maxInflight, env, 32),
    maxQueue: number(variables.maxQueue, env, 1_000),
    autocleanMs: duration('EMQX_CLUSTER__AUTOCLEAN', env, isV4 ? 300 : 86_400) * 1_000,
    netTickMs: duration('EMQX_NODE__DIST_NET_TICKTIME', env, 120) * 1_000,
    version,
    edition: abilities.isUnified ? 'Enterprise' : edition,
    abilities,
    timeScale: number('STANDIN_TIME_SCALE', env, 1),
    bootMs: number('STANDIN_BOOT_MS', env, 4_500),
    joinMs: number('STANDIN_JOIN_MS', env, 2_000),
    stopMs: number('STANDIN_STOP_MS', env, 4_000),
    discoveryDelayMs: number('STANDIN_DISCOVERY_DELAY_MS', env, 3_000),
    discoveryRetryMs: number('STANDIN_DISCOVERY_RETRY_MS', env, 5_000),
    noRecipientMs: number('STANDIN_NO_RECIPIENT_RETRY_MS', env, 30_000),
    sessionMoveMs: number('STANDIN_SESSION_MOVE_MS', env, 2),
    staysAlone: flag('STANDIN_STAY_ALONE', env),
    admitsListed: choice('STANDIN_LINGERING_NAME', env, ['refuse', 'admit']) === 'admit',
    hasLicenceKey: env.EMQX_LICENSE__KEY !== undefined,
    hasSingleNodeLicence:
      flag('STANDIN_SINGLE_NODE_LICENCE', env) ||
      (abilities.isUnified && env.EMQX_LICENSE__KEY === undefined),
    switches: {
      api: choice('STANDIN_API', env, ['up', 'hang', 'error', 'down']),
      statusDelayMs: number('STANDIN_STATUS_DELAY_MS', env, 0),
      isOmittedFromGlobalStatus: flag('STANDIN_OMIT_FROM_GLOBAL_STATUS', env),
      isIsolated: flag('STANDIN_ISOLATED', env),
      hasNoEvacuation: flag('STANDIN_NO_EVACUATION', env) || !abilities.hasEvacuation,
      isDurable: flag('STANDIN_DURABLE', env),
      refusesKeys: flag('STANDIN_REFUSE_KEYS', env),
      isPurging: flag('STANDIN_PURGING', env),
    },
  };
}

const switchTypes: Readonly<Record<keyof Switches, 'boolean' | 'number' | readonly string[]>> = {
  api: ['up', 'hang', 'error', 'down'],
  statusDelayMs: 'number',
  isOmittedFromGlobalStatus: 'boolean',
  isIsolated: 'boolean',
  hasNoEvacuation: 'boolean',
  isDurable: 'boolean',
  refusesKeys: 'boolean',
  isPurging: 'boolean',
};

/** The switches with some of them changed. @throws SettingsError on a name or value that is none */
export function changeSwitches(now: Switches, changes: unknown): Switches {
  if (typeof changes !== 'object' || changes === null) throw new SettingsError('switches come as an object');
  for (const [name, value] of Object.entries(changes)) {
    const type = Object.hasOwn(switchTypes, name) ? switchTypes[name as keyof Switches] : undefined;
    if (type === undefined) throw new SettingsError(`no switch is called ${name}`);
    const isGood = typeof type === 'string' ? typeof value === type : type.includes(String(value));
    if (!isGood) throw new SettingsError(`${name} cannot be ${JSON.stringify(value)}`);
  }
  return { ...now, ...changes };
}

/** As the image's entry point does it. @see EMQX: deploy/docker/docker-entrypoint.sh */
function nodeName(env: Env, isV4: boolean): string {
  const given = env.EMQX_NODE_NAME ?? env.EMQX_NODE__NAME;
  const name = given ?? `${env.EMQX_NAME ?? (isV4 ? hostname() : 'emqx')}@${env.EMQX_HOST ?? ownAddress()}`;
  if (!/^[^@\s]+@[^@\s]+$/.test(name)) throw new SettingsError(`node name ${name} is not name@host`);
  return name;
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? hostname();
}

function discovery(env: Env, { discovery: variable, dnsRecord }: Variables): Discovery {
  const strategy = env[variable] ?? 'manual';
  switch (strategy) {
    case 'manual':
    case 'singleton':
      return { kind: 'manual' };
    case 'static': {
      const seeds = env.EMQX_CLUSTER__STATIC__SEEDS ?? '';
      return { kind: 'static', seeds: seeds.split(/[\s,[\]"]+/).filter((seed) => seed !== '') };
    }
    case 'dns': {
      const name = env.EMQX_CLUSTER__DNS__NAME;
      if (name === undefined)
        throw new SettingsError('EMQX_CLUSTER__DNS__NAME is needed for discovery by dns');
      return {
        kind: 'dns',
        name,
        record: choice(dnsRecord, env, ['a', 'aaaa', 'srv']),
      };
    }
    default:
      throw new SettingsError(
        `${variable} ${strategy} is not one that the stand-in has (manual, static, singleton, dns)`,
      );
  }
}

function dataDir(env: Env): string {
  const dir = env.EMQX_NODE__DATA_DIR ?? '/opt/emqx/data';
  return isAbsolute(dir) || !existsSync('/opt/emqx') ? dir : join('/opt/emqx', dir);
}

function address(name: string, env: Env, host: string, port: number): Address {
  const text = unquoted(env[name]);
  if (text === undefined) return { host, port };
  const match = /^(?:(.+):)?(\d+)$/.exec(text);
  if (!match) throw new SettingsError(`${name} ${text} is not host:port`);
  return { host: match[1] ?? host, port: Number(match[2]) };
}

function number(name: string, env: Env, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0)
    throw new SettingsError(`${name} ${text} is not a number of at least 0`);
  return value;
}

/** Seconds. */
function duration(name: string, env: Env, otherwise: number): number {
  const text = unquoted(env[name]);
  if (text === undefined) return otherwise;
  if (text === 'infinity') return Infinity;
  const value = parseDuration(text);
  if (value === undefined) throw new SettingsError(`${name} ${text} is not a duration`);
  return value;
}

function flag(name: string, env: Env): boolean {
  return choice(name, env, ['false', 'true', '0', '1', '']) === 'true' || env[name] === '1';
}

function choice<const T extends string>(name: string, env: Env, allowed: readonly [T, ...T[]]): T {
  const text = env[name];
  if (text === undefined) return allowed[0];
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new SettingsError(`${name} ${text} is none of ${allowed.join(', ')}`);
  return found;
}

/** The operator passes some values inside double quotes. */
function unquoted(text: string | undefined): string | undefined {
  return text?.replace(/^"(.*)"$/, '$1');
}
