import { untouched, type Answer } from './answer.js';
import { admitDeclaration, type Fresh } from './declaration.js';
import type { AdmissionRequest } from './review.js';
import { admitRevisionSet, declarationOf } from './revision-set.js';
import { admitScale, type BlueGreens } from './scale.js';
import { admitService } from './service.js';

export interface DecideOptions {
  /** User names of Sluice's own service accounts: what they write passes untouched. */
  ownUsers: ReadonlySet<string>;
  /** Of this review; unused in dry runs, which get nothing fresh. */
  fresh: Fresh;
  blueGreens: BlueGreens;
  /** The review has proved that it comes from an API server; the answer to a Scale writes. */
  mayScale: boolean;
}

/**
 * Answers one admission request. A function of the request and the options alone, and idempotent: asked again about
 * its own result it changes nothing. Only a Scale waits for anything, so only that answer is a promise.
 * @throws Error (the promise rejects) when a Scale's number could not be recorded
 */
export function decide(request: AdmissionRequest, options: DecideOptions): Answer | Promise<Answer> {
  if (options.ownUsers.has(request.user)) return untouched();
  if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return untouched();
  switch (`${request.resource}/${request.subResource}`) {
    case 'apps/statefulsets/': {
      const declaration = declarationOf(request);
      if (declaration !== '') return admitRevisionSet(request, declaration);
      return admitDeclaration(request, request.dryRun ? undefined : options.fresh);
    }
    case 'apps/statefulsets/scale':
      return options.mayScale ? admitScale(request, options.blueGreens) : untouched();
    case 'services/':
      return admitService(request);
    default:
      return untouched();
  }
}
