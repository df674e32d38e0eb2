import type { SecretStore, StoredSecret } from '../../certs/secrets.js';

/** Secrets of one namespace, with the API server's rules for versions. */
export class InMemorySecrets implements SecretStore {
  readonly stored = new Map<string, StoredSecret>();
  /** Called before each write is looked at: the place for somebody who is faster. */
  beforeWrite: (name: string) => void = () => undefined;
  #version = 0;

  read(name: string): Promise<StoredSecret | undefined> {
    return Promise.resolve(this.stored.get(name));
  }

  write(name: string, data: Record<string, string>, seen: StoredSecret | undefined): Promise<boolean> {
    this.beforeWrite(name);
    if (this.stored.get(name)?.resourceVersion !== seen?.resourceVersion) return Promise.resolve(false);
    this.put(name, data);
    return Promise.resolve(true);
  }

  put(name: string, data: Record<string, string>): void {
    this.#version += 1;
    this.stored.set(name, { data, resourceVersion: String(this.#version) });
  }

  value(name: string, key: string): string {
    return this.stored.get(name)?.data[key] ?? '';
  }
}
