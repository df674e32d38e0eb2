import { versionOfImage } from './emqx/version.js';
import { objectsOf, type Container } from './emqx-container.js';
import { SIDECAR_PATHS } from './sidecar-env.js';

/** How EMQX is told of a file with API keys, `key:secret` a line, that it reads at start. */
export interface Bootstrap {
  variable: string;
  value: string;
}

/** The management API's port of EMQX 4, which EMQX 5 does not have. */
const V4_PORT = 8081;
const FILE = `${SIDECAR_PATHS.apiKey}/bootstrap`;

/**
 * The variable that EMQX takes API keys from: EMQX 4 by the version in the image's tag, and where that says none, by its port.
 * Only one is set: an EMQX complains of variables that it does not know.
 */
export function bootstrapOf(emqx: Container): Bootstrap {
  const { image } = emqx.raw;
  const major = typeof image === 'string' ? versionOfImage(image)?.major : undefined;
  const hasV4Port = objectsOf(emqx.raw['ports']).some(({ containerPort }) => containerPort === V4_PORT);
  return (major ?? (hasV4Port ? 4 : 5)) < 5
    ? { variable: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE', value: FILE }
    : // EMQX 5 reads the value of its variables as HOCON, where a path needs quotes
      { variable: 'EMQX_API_KEY__BOOTSTRAP_FILE', value: JSON.stringify(FILE) };
}
