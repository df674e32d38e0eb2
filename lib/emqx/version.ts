/** EMQX's version number, as far as it is known. */
export interface Version {
  major: number;
  minor: number;
  patch?: number;
}

/** Those that EMQX has. Another number in a tag counts something else: a company's builds, days. */
const TAGGED_MAJORS = [4, 5, 6];

/**
 * The version in an image's tag: `5.8.9`, `e5.8.9`, `v5.8.9`, `4.4.24-alpine`, `6.0.0-elixir`, `5.8`. Undefined where none is named: no
 * tag, `latest`, a digest alone, a build's own name or number (`1.4.2`, `2026.11.21`).
 */
export function versionOfImage(image: string): Version | undefined {
  const name = image.split('@')[0] ?? '';
  const tag = name.slice(name.lastIndexOf('/') + 1).split(':')[1];
  const version = parseVersion(tag ?? '');
  return version && TAGGED_MAJORS.includes(version.major) ? version : undefined;
}

/** Reads EMQX's own word (such as `5.8.9` or `6.0.0-rc.1`, whose suffix is left aside), or a tag. */
export function parseVersion(text: string): Version | undefined {
  const parts = /^[ev]?(\d+)\.(\d+)(?:\.(\d+))?(?:[-.+].*)?$/.exec(text);
  if (!parts) return undefined;
  const [, major, minor, patch] = parts;
  return {
    major: Number(major),
    minor: Number(minor),
    ...(patch !== undefined && { patch: Number(patch) }),
  };
}

export function versionText({ major, minor, patch }: Version): string {
  return [major, minor, ...(patch === undefined ? [] : [patch])].join('.');
}

/** Whether EMQX's own word says that it is at least `[major, minor, patch]`. Unknown ones are not. */
export function isAtLeast(version: string | undefined, floor: readonly [number, number, number]): boolean {
  const known = parseVersion(version ?? '');
  if (!known) return false;
  const numbers = [known.major, known.minor, known.patch ?? 0];
  const differs = floor.findIndex((part, at) => part !== numbers[at]);
  return differs === -1 || (numbers[differs] ?? 0) > (floor[differs] ?? 0);
}
