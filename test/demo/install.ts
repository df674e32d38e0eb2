import { busyboxImage, contentHash } from '../cluster/index.js';
import type { Cluster } from '../cluster/index.js';

const NAMESPACE = 'sluice-system';
const IMAGE = { repository: 'localhost/sluice', tag: 'demo' } as const;
type LocalTag = typeof IMAGE.tag | 'next';
/** What the Dockerfile copies: a change elsewhere builds nothing. */
const INPUTS = [
  'package.json',
  'package-lock.json',
  'scripts',
  'lib',
  'certs',
  'webhook',
  'controller',
  'page',
  'sidecar',
  'uninstall',
];
/** The local image keeps its tag when it changes, so its content is noted on the pods: a change rolls them. */
const PROGRAMS = ['webhook', 'controller'];
const INSTALL_TIMEOUT_MS = 200_000;

/**
 * Builds Sluice's image (on the local cluster), and installs the chart or brings it up to date.
 * @param options tag: another of the local image's names, for what happens when Sluice itself is upgraded; set: further values
 */
export async function installSluice(
  cluster: Cluster,
  { say, tag = IMAGE.tag, set = [] }: { say: (line: string) => void; tag?: LocalTag; set?: string[] },
): Promise<void> {
  const image = await imageFor(cluster, { say, tag });
  say('$ helm upgrade --install sluice charts/sluice');
  await cluster.helm(
    [
      ...['upgrade', '--install', 'sluice', 'charts/sluice', '--namespace', NAMESPACE, '--create-namespace'],
      ...['--set', `image.repository=${image.repository}`, '--set', `image.tag=${image.tag}`],
      ...PROGRAMS.flatMap((program) => [
        '--set-string',
        `${program}.podAnnotations.content=${image.content}`,
      ]),
      ...set.flatMap((value) => ['--set', value]),
      ...['--wait', '--timeout', '180s'],
    ],
    { timeoutMs: INSTALL_TIMEOUT_MS },
  );
}

async function imageFor(
  cluster: Cluster,
  { say, tag }: { say: (line: string) => void; tag: LocalTag },
): Promise<{ repository: string; tag: string; content: string }> {
  switch (cluster.kind) {
    case 'local':
      say('the image is built');
      await cluster.loadImage({
        name: `${IMAGE.repository}:${IMAGE.tag}`,
        aliases: [`${IMAGE.repository}:next`],
        dockerfile: 'Dockerfile',
        context: '.',
        inputs: INPUTS,
        buildArgs: { BUSYBOX_IMAGE: busyboxImage },
      });
      return { ...IMAGE, tag, content: contentHash('.', INPUTS).slice(0, 16) };
    case 'given':
      return { ...splitImage(cluster.given.sluiceImage), content: '' };
  }
}

/** `registry:5000/sluice:1.2` is repository and tag; without a tag it is `latest`, as everywhere. */
export function splitImage(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/')
    ? { repository: image.slice(0, colon), tag: image.slice(colon + 1) }
    : { repository: image, tag: 'latest' };
}
