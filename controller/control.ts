import type { ControlMaterial } from '../certs/control.js';

/** What is known of the certificates by which sidecars know the controller. */
export interface Control {
  /** They are these from now on. */
  keep(material: ControlMaterial): void;
  /** They could not be read or made; those known before hold good. */
  miss(cause: unknown): void;
  /** Resolves when one of the two was called first. */
  readonly told: Promise<undefined>;
  /** @throws Error with the words of {@link trouble} while there are none */
  material(): ControlMaterial;
  /** Why there are none, in words that name the Secret and what to do; undefined while there are. */
  trouble(): string | undefined;
}

/** @param namespace Sluice's own, where the Secret is */
export function makeControl(namespace: string): Control {
  const told = Promise.withResolvers<undefined>();
  let known: ControlMaterial | undefined;
  let cause = 'they were not read yet';
  const trouble = (): string | undefined =>
    known
      ? undefined
      : `no sidecar can be asked, and no StatefulSet made, without the control certificates in namespace ${namespace}: ${cause}`;
  return {
    keep(material) {
      known = material;
      told.resolve(undefined);
    },
    miss(error) {
      cause = error instanceof Error ? error.message : String(error);
      told.resolve(undefined);
    },
    told: told.promise,
    material() {
      if (!known) throw new Error(trouble());
      return known;
    },
    trouble,
  };
}
