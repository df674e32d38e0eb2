import type { BlueGreenSeen, EndpointsSeen, NodesSeen, Observation, PodSeen } from '../fleet/observations.js';
import type { FleetRecord, SecondRecord } from '../fleet/records.js';

/** Something that was waited for did not happen in time. */
export class SceneTimeout extends Error {}

/** Everything that has been seen so far, and its latest state; what waits for a state is woken by the record that brings it. */
export class Scene {
  readonly observations: Observation[] = [];
  readonly fleet: FleetRecord[] = [];
  endpoints: EndpointsSeen | undefined;
  blueGreen: BlueGreenSeen | undefined;
  nodes: NodesSeen | undefined;
  second: SecondRecord | undefined;
  /** Pods whose objects exist, by uid. */
  readonly pods = new Map<string, PodSeen>();
  readonly #watchers = new Set<() => void>();

  observe(observation: Observation): void {
    this.observations.push(observation);
    switch (observation.kind) {
      case 'endpoints':
        this.endpoints = observation;
        break;
      case 'bluegreen':
        this.blueGreen = observation;
        break;
      case 'nodes':
        this.nodes = observation;
        break;
      case 'pod':
        if (observation.isGone) this.pods.delete(observation.uid);
        else this.pods.set(observation.uid, observation);
        break;
      case 'broker-connects':
      case 'broker-disconnect':
        return;
    }
    this.#wake();
  }

  record(record: FleetRecord): void {
    this.fleet.push(record);
    if (record.kind === 'second') this.second = record;
    this.#wake();
  }

  /** Calls back at every change. @returns what ends it */
  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Resolves when `is` holds, at once if it does already.
   * @param what in words, for the error
   * @throws SceneTimeout after `timeoutMs`; the signal's reason when it is aborted
   */
  until(what: string, is: () => boolean, options: { timeoutMs: number; signal: AbortSignal }): Promise<void> {
    const { timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        stop();
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        act();
      };
      const abort = () =>
        settle(() => reject(signal.reason instanceof Error ? signal.reason : new Error('stopped')));
      const look = () => {
        if (is()) settle(resolve);
      };
      const stop = this.onChange(look);
      const timer = setTimeout(
        () => settle(() => reject(new SceneTimeout(`${what}: not within ${timeoutMs / 1000} s`))),
        timeoutMs,
      );
      signal.addEventListener('abort', abort);
      if (signal.aborted) abort();
      else look();
    });
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
