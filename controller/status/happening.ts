/** One thing worth telling people. */
export interface Happening {
  type: 'Normal' | 'Warning';
  /** One of a fixed set of words, for filters and alerts. */
  reason: string;
  message: string;
}
