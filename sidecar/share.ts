import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The directory shared with EMQX's container. Files are a line or a few, on tmpfs; each write replaces the whole file.
 *
 * | file | written by | says |
 * |---|---|---|
 * | `boot` | started.sh | which start of EMQX's container this is |
 * | `joined` | the program | the latch: the start of EMQX that has joined its peers, or has none |
 * | `handled` | the program | the start of EMQX whose left-over evacuation was looked for |
 * | `foreign` | the program | that the node's evacuation is somebody else's |
 * | `drain.conf` | run.sh, the program | how to drain, and the API key (mode 0440) |
 * | `gate` | gate.sh | how far its drain is, and EMQX's evacuation |
 * | `drain-began` | the program | since when it has seen the gate at work, and how many were to be handed over; only where it sends spans |
 * | `states` | the program | which states its evacuation went through, and when |
 * | `started-for` | gate.sh | the start of EMQX whose evacuation is its own, and the recipients named |
 * | `left-over` | started.sh | that EMQX's data directory held an evacuation before this pod's first start |
 */
export interface Share {
  /** The file's text, '' when it is not there. */
  read(file: ShareFile): string;
  /** The file's first line. */
  line(file: ShareFile): string;
  write(file: ShareFile, text: string): void;
  remove(file: ShareFile): void;
  /** When it was last written, in milliseconds since the epoch; undefined when it is not there. */
  writtenMs(file: ShareFile): number | undefined;
}

export type ShareFile =
  'boot' | 'joined' | 'handled' | 'foreign' | 'drain.conf' | 'gate' | 'states' | 'drain-began';

export function openShare(path: string): Share {
  const read = (file: ShareFile) => {
    try {
      return readFileSync(join(path, file), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  };
  return {
    read,
    line: (file) => read(file).split('\n')[0] ?? '',
    write(file, text) {
      const fresh = join(path, `.${file}.${process.pid}`);
      rmSync(fresh, { force: true });
      writeFileSync(fresh, text, { mode: file === 'drain.conf' ? 0o440 : 0o644 });
      renameSync(fresh, join(path, file));
    },
    remove: (file) => rmSync(join(path, file), { force: true }),
    writtenMs: (file) => statSync(join(path, file), { throwIfNoEntry: false })?.mtimeMs,
  };
}
