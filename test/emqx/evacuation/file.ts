import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultOptions, type Options } from './state.js';

/** `<data_dir>/.evacuation`: what survives a restart of an evacuating node. @see EMQX: emqx_node_rebalance_evacuation_persist.erl */
export interface EvacuationFile {
  read(): Options | undefined;
  write(options: Options): void;
  remove(): void;
}

export function evacuationFile(dataDir: string): EvacuationFile {
  const path = join(dataDir, '.evacuation');
  return {
    read: () => {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
      return fromText(text);
    },
    write: (options) => {
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(
        path,
        JSON.stringify({
          server_reference: options.serverReference ?? null,
          conn_evict_rate: options.connEvictRate,
          sess_evict_rate: options.sessEvictRate,
          wait_takeover: options.waitTakeover,
        }),
      );
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** The saved part over the defaults; an unreadable file counts as one with nothing in it. */
function fromText(text: string): Options {
  let saved: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) saved = { ...parsed };
  } catch {
    // as EMQX: defaults
  }
  const count = (key: string, otherwise: number) =>
    Number.isInteger(saved[key]) ? Number(saved[key]) : otherwise;
  return {
    ...defaultOptions,
    connEvictRate: count('conn_evict_rate', defaultOptions.connEvictRate),
    sessEvictRate: count('sess_evict_rate', defaultOptions.sessEvictRate),
    waitTakeover: count('wait_takeover', defaultOptions.waitTakeover),
    serverReference: typeof saved.server_reference === 'string' ? saved.server_reference : undefined,
  };
}
