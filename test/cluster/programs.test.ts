import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildFolder } from './build.js';
import { catalog, type Hosts } from './catalog.js';
import { resolvePrograms, type Search } from './programs.js';
import { run } from './run.js';

let folder: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-programs-'));
  said = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Port 9 is the discard service, which nobody runs: refused at once. */
const nowhere: Hosts = {
  kubernetes: 'http://127.0.0.1:9',
  github: 'http://127.0.0.1:9',
  helm: 'http://127.0.0.1:9',
};

function search(differs: Partial<Search> = {}): Search {
  return {
    env: { PATH: join(folder, 'path') },
    cacheDir: join(folder, 'cache'),
    say: (line) => said.push(line),
    catalog: catalog(nowhere),
    build: () => Promise.reject(new Error('no Go here')),
    ...differs,
  };
}

function fake(path: string, says: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho '${says}'\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('a program is taken from', () => {
  it('its environment variable before the PATH', async () => {
    fake('path/etcd', 'etcd Version: 3.6.9');
    const mine = fake('mine', 'etcd Version: 3.6.4');
    const env = { PATH: join(folder, 'path'), SLUICE_ETCD: mine };
    expect(await resolvePrograms(['etcd'], search({ env }))).toEqual({ etcd: mine });
  });

  it('the PATH, in its order, passing over what is too old with a line', async () => {
    const old = fake('path/etcd', 'etcd Version: 3.4.23');
    const good = fake('later/etcd', 'etcd Version: 3.6.4');
    const env = { PATH: `${join(folder, 'path')}:${join(folder, 'later')}` };
    expect(await resolvePrograms(['etcd'], search({ env }))).toEqual({ etcd: good });
    expect(said).toEqual([`skipping ${old}: its version is 3.4.23, wanted is at least 3.6`]);
  });

  it('the cache when what is on the PATH is too old', async () => {
    fake('path/kubectl', 'Client Version: v1.20.2');
    const built = fake(`${buildFolder('cache', 'kubernetes')}/kubectl`, 'unasked');
    expect(await resolvePrograms(['kubectl'], search())).toEqual({ kubectl: built });
    expect(said).toHaveLength(1);
  });

  it('a build when no release host answers, one build after the other', async () => {
    const builds: string[] = [];
    const build: Search['build'] = async (cacheDir, name) => {
      builds.push(`begin ${name}`);
      await new Promise(setImmediate);
      fake(`${buildFolder('cache', name)}/${name === 'kubernetes' ? 'kubelet' : name}`, 'built');
      expect(cacheDir).toBe(join(folder, 'cache'));
      builds.push(`end ${name}`);
    };
    const found = await resolvePrograms(['kubelet', 'helm'], search({ build }));
    expect(found.kubelet).toBe(join(buildFolder(join(folder, 'cache'), 'kubernetes'), 'kubelet'));
    expect(builds).toEqual(['begin kubernetes', 'end kubernetes', 'begin helm', 'end helm']);
  });
});

it.each([
  { program: 'etcd', says: 'etcd Version: 3.5.21', good: false },
  { program: 'etcd', says: 'etcd Version: 3.6.4\nGit SHA: 0', good: true },
  { program: 'kubectl', says: 'Client Version: v1.32.4-dispatcher', good: true },
  { program: 'kubectl', says: 'Client Version: v1.31.0', good: false },
  { program: 'helm', says: 'v3.20.0+gb2e4314', good: true },
  { program: 'helm', says: 'v4.0.1', good: false },
  { program: 'kubelet', says: 'Kubernetes v1.34.9', good: true },
  { program: 'kubelet', says: 'Kubernetes v1.35.0', good: false },
  { program: 'coredns', says: 'CoreDNS-1.12.4\nlinux/amd64', good: true },
  { program: 'coredns', says: 'no version at all', good: false },
] as const)('$program that says "$says" is taken: $good', async ({ program, says, good }) => {
  const path = fake(`path/${program}`, says);
  const resolving = resolvePrograms([program], search());
  if (good) await expect(resolving).resolves.toEqual({ [program]: path });
  else await expect(resolving).rejects.toThrow('cannot be built: no Go here');
});

it('a binary that its variable names and that will not do is an error, not passed over', async () => {
  const old = fake('mine', 'v2.17.0');
  const env = { PATH: join(folder, 'path'), SLUICE_HELM: old };
  await expect(resolvePrograms(['helm'], search({ env }))).rejects.toThrow(
    `SLUICE_HELM=${old} will not do as helm: its version is 2.17.0, wanted is 3`,
  );
});

describe('an official release', () => {
  let server: Server;
  let files: Map<string, Buffer>;
  let hosts: Hosts;

  beforeEach(async () => {
    files = new Map();
    server = createServer((request, response) => {
      const found = files.get(request.url ?? '');
      response.writeHead(found ? 200 : 404).end(found);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    hosts = { kubernetes: base, github: base, helm: base };
  });
  afterEach(() => {
    server.close();
  });

  const sumOf = (bytes: Buffer): Buffer => Buffer.from(createHash('sha256').update(bytes).digest('hex'));

  it('is downloaded into the cache and found there the next time', async () => {
    const release = catalog(hosts).kubelet.release(process.arch === 'x64' ? 'amd64' : process.arch);
    const program = Buffer.from('#!/bin/sh\necho kubelet\n');
    files.set(new URL(release.url).pathname, program);
    files.set(new URL(release.sumUrl).pathname, sumOf(program));
    const first = await resolvePrograms(['kubelet'], search({ catalog: catalog(hosts) }));
    expect(await run(first.kubelet, [])).toBe('kubelet\n');
    expect(await resolvePrograms(['kubelet'], search())).toEqual(first);
  });

  it('is unpacked when it is an archive, its sum taken from a list', async () => {
    const release = catalog(hosts).helm.release(process.arch === 'x64' ? 'amd64' : process.arch);
    fake(`tree/${release.member ?? ''}`, 'helm');
    // Members are named as the real archives name them: without a leading `./`.
    await run('tar', [
      '-czf',
      join(folder, 'helm.tgz'),
      '-C',
      join(folder, 'tree'),
      dirname(release.member ?? ''),
    ]);
    const archive = readFileSync(join(folder, 'helm.tgz'));
    const name = release.url.split('/').at(-1) ?? '';
    files.set(new URL(release.url).pathname, archive);
    const sums = `${'0'.repeat(64)}  other.tar.gz\n${sumOf(archive).toString()}  ${name}\n`;
    files.set(new URL(release.sumUrl).pathname, Buffer.from(sums));
    const { helm } = await resolvePrograms(['helm'], search({ catalog: catalog(hosts) }));
    expect(await run(helm, [])).toBe('helm\n');
  });

  it('with another sum than the published one is not used', async () => {
    const release = catalog(hosts).kubelet.release(process.arch === 'x64' ? 'amd64' : process.arch);
    files.set(new URL(release.url).pathname, Buffer.from('changed on the way'));
    files.set(new URL(release.sumUrl).pathname, Buffer.from('f'.repeat(64)));
    const resolving = resolvePrograms(['kubelet'], search({ catalog: catalog(hosts) }));
    await expect(resolving).rejects.toThrow('cannot be built');
    expect(said.some((line) => line.includes('SHA-256 is'))).toBe(true);
  });
});
