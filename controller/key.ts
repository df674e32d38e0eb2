import type { Key } from './observe/observe.js';

/** Reads a key of the schedules, `namespace/name`. */
export function keyOf(key: string): Key {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}
