import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ApiKey {
  key: string;
  secret: string;
}

/** What the mounted Secret holds: an API key, or nothing under one of its keys. */
export type MountedKey = ({ kind: 'key' } & ApiKey) | { kind: 'none'; missing: keyof ApiKey };

/** Reads the API key in a mounted Secret (files `key` and `secret`); people's editors end them with a newline. */
export function readApiKey(folder: string): MountedKey {
  const key = valueOf(join(folder, 'key'));
  const secret = valueOf(join(folder, 'secret'));
  if (key === '') return { kind: 'none', missing: 'key' };
  if (secret === '') return { kind: 'none', missing: 'secret' };
  return { kind: 'key', key, secret };
}

function valueOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/[\r\n]/g, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
