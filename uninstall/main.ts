/** The chart's pre-delete hook: ends with an error, and `helm uninstall` with it, while Sluice is needed. Helm prints what it says. */
import { makeAskApiServer } from '../lib/api-server.js';
import { readServiceAccount } from '../lib/service-account.js';
import { sleep } from '../lib/sleep.js';
import { readNeeded, type Needed } from './needed.js';
import { refusalOf } from './refusal.js';

const ANSWER_MS = 10_000;
const RETRY_MS = 2_000;
const TRIES = 5;

const {
  SLUICE_RELEASE: release = '',
  SLUICE_NAMESPACE: namespace = '',
  SLUICE_REVISION: revision = '',
} = process.env;
const ask = makeAskApiServer(await readServiceAccount(process.env), 'sluice-uninstall');

async function read(triesLeft: number): Promise<Needed> {
  try {
    return await readNeeded(ask, AbortSignal.timeout(ANSWER_MS));
  } catch (error) {
    if (triesLeft <= 1) throw error;
    await sleep(RETRY_MS);
    return read(triesLeft - 1);
  }
}

try {
  const refusal = refusalOf(await read(TRIES), { release, namespace, revision });
  if (refusal !== undefined) {
    console.log(refusal);
    process.exitCode = 1;
  }
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.log(
    `Sluice was not uninstalled: whether anything still needs it could not be found out (${why}). ` +
      `To uninstall all the same: helm uninstall ${release} --namespace ${namespace} --no-hooks`,
  );
  process.exitCode = 1;
}
