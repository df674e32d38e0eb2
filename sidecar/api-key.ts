import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ApiKey {
  key: string;
  secret: string;
}

/** The API key in a mounted Secret (files `key` and `secret`); people's editors end them with a newline. */
export function readApiKey(folder: string): ApiKey {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').replace(/[\r\n]/g, '');
  return { key: read('key'), secret: read('secret') };
}
