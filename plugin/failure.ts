/** Exit codes of `kubectl sluice`. */
export const EXIT = {
  ok: 0,
  /** The answer is no: refused, failed, or faults found. */
  no: 1,
  /** It could not be asked: a wrong command line, no cluster, no such object. */
  notAsked: 2,
  /** Not over yet: the time is up, or nobody wanted to wait. */
  notYet: 3,
} as const;

/** What ends a command with one line for the user: what was tried, on what, and what to do. */
export class Failure extends Error {
  override readonly name: string = 'Failure';

  constructor(
    message: string,
    readonly code: number = EXIT.notAsked,
  ) {
    super(message);
  }
}

/** What is asked about is not there. */
export class NotFound extends Failure {
  override readonly name = 'NotFound';
}

/** A refusal: the command was understood and the object found, but it cannot be done now. */
export function refused(message: string): Failure {
  return new Failure(message, EXIT.no);
}
