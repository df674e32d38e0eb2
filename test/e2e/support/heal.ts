/** A loop that puts its file back every second, as self-healing GitOps tools do. */
export interface Healing {
  /** How often it has applied the file. */
  rounds(): number;
  /** @throws what the first failed round threw */
  stop(): Promise<void>;
}

const PAUSE_MS = 1000;

export function heal(apply: () => Promise<unknown>): Healing {
  let rounds = 0;
  let isStopped = false;
  let wake = (): void => undefined;
  const loop = async () => {
    while (!isStopped) {
      await apply();
      rounds += 1;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, PAUSE_MS);
      });
    }
  };
  const ended = loop();
  // Whoever waits for something else hears of a failure when the loop is stopped.
  ended.catch(() => undefined);
  return {
    rounds: () => rounds,
    async stop() {
      isStopped = true;
      wake();
      await ended;
    },
  };
}
