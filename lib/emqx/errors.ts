/** A request that EMQX's management API refused or did not answer. */
export class EmqxApiError extends Error {
  override readonly name = 'EmqxApiError';

  /**
   * @param status HTTP status, 0 when no whole answer came
   * @param code EMQX's own, such as `NOT_FOUND`; empty when it sent none
   * @param refusal EMQX's own words; empty when it sent none
   */
  constructor(
    message: string,
    readonly status: number,
    readonly code = '',
    readonly refusal = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may work later without anybody changing anything. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** 401 or 403: the key is wrong, disabled, or too weak. */
  get isUnauthorized(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** 404 for the path itself: this build does not have the feature. A node that is not known is another 404. */
  get isFeatureAbsent(): boolean {
    return this.status === 404 && !/^Node not found/i.test(this.refusal);
  }
}
