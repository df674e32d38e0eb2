/** The oldest Node that the client library's part for kubeconfigs runs on. */
export const NEEDED_NODE = '22.19.0';

/** What to say where Node is older than that; undefined where it is not. @param version as `process.versions.node` has it */
export function whyTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = NEEDED_NODE.split('.').map(Number);
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `kubectl sluice needs Node ${NEEDED_NODE} or newer, and the one on the PATH is ${version}`;
}
