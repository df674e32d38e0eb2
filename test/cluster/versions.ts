/** A program's version, as far as it decides anything here. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Finds the first `1.2.3`, with or without `v`, in what a program says about itself. */
export function parseVersion(said: string): Version | undefined {
  const [, major, minor, patch] = /(?:^|[^\d.])v?(\d+)\.(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

export function isAtLeast(version: Version, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

export function show({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`;
}
