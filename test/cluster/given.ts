/** What must be said when the cluster is the user's own: nothing can be built into it. */
export interface Given {
  /** A context of the user's kubeconfig. */
  readonly context: string;
  readonly sluiceImage: string;
  readonly fleetImage: string;
  readonly emqxImageFrom: string;
  readonly emqxImageTo: string;
  /** The licence's text, as EMQX takes it. */
  readonly emqxLicense: string;
}

const variables = {
  sluiceImage: 'SLUICE_IMAGE',
  fleetImage: 'FLEET_IMAGE',
  emqxImageFrom: 'EMQX_IMAGE_FROM',
  emqxImageTo: 'EMQX_IMAGE_TO',
  emqxLicense: 'EMQX_LICENSE',
} as const;

export class GivenError extends Error {
  override readonly name = 'GivenError';
}

/**
 * Reads which cluster of the user's own to use, if any.
 * @param env `CONTEXT`, and with it `SLUICE_IMAGE`, `FLEET_IMAGE`, `EMQX_IMAGE_FROM`, `EMQX_IMAGE_TO`, `EMQX_LICENSE`
 * @returns nothing when `CONTEXT` is not set: the local cluster is meant
 * @throws GivenError that lists all that is missing
 */
export function givenFrom(env: NodeJS.ProcessEnv): Given | undefined {
  const context = env['CONTEXT'];
  if (context === undefined || context === '') return undefined;
  const read = Object.entries(variables).map(([field, variable]) => ({
    field,
    variable,
    value: env[variable] ?? '',
  }));
  const missing = read.filter(({ value }) => value === '').map(({ variable }) => variable);
  if (missing.length > 0) {
    throw new GivenError(
      `CONTEXT=${context} is a cluster of your own, so these must be set too: ${missing.join(', ')}`,
    );
  }
  const {
    sluiceImage = '',
    fleetImage = '',
    emqxImageFrom = '',
    emqxImageTo = '',
    emqxLicense = '',
  } = Object.fromEntries(read.map(({ field, value }) => [field, value])) as Partial<Record<string, string>>;
  return { context, sluiceImage, fleetImage, emqxImageFrom, emqxImageTo, emqxLicense };
}
