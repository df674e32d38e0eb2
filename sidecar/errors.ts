/** How often something failed since the start, by cause. */
export interface Errors {
  emqx_unreachable: number;
  emqx_unauthorized: number;
  emqx_no_key: number;
  look: number;
  control_refused: number;
}

export function noErrors(): Errors {
  return { emqx_unreachable: 0, emqx_unauthorized: 0, emqx_no_key: 0, look: 0, control_refused: 0 };
}
