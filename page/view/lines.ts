import type { Colour, Picture, UpgradePicture } from '../../lib/page/messages.js';
import type { Sample } from '../../lib/page/samples.js';

/** One node's clients over time. */
export interface Line {
  /** The pod's name, or the node's. */
  name: string;
  /** The same where its colour's name is said already. */
  short: string;
  colour: Colour;
  /** `stroke-dasharray`: nodes of a colour differ by it, for who does not tell them by their shade. */
  dash: string;
  points: { atMs: number; value: number }[];
}

const DASHES = ['', '7 3', '2 3', '10 3 2 3', '4 4', '1 4'];

/** The lines of the nodes that had clients or are there, blue first. A line ends where its node is listed no more. Pure. */
export function linesOf(
  samples: readonly Sample[],
  picture: Picture,
  upgrade: UpgradePicture | undefined,
): Line[] {
  const nodes = [...new Set(samples.flatMap(({ clients }) => Object.keys(clients)))];
  const known = nodes.map((node) => ({ node, ...whoIs(node, picture, upgrade) }));
  const sorted = known.sort(
    (a, b) => a.colour.localeCompare(b.colour) || a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
  const seen: Record<Colour, number> = { blue: 0, green: 0 };
  return sorted.map(({ node, name, short, colour }) => {
    const points = samples.flatMap(({ atMs, clients }) => {
      const value = clients[node];
      return value === undefined ? [] : [{ atMs, value }];
    });
    const dash = DASHES[seen[colour]++ % DASHES.length] ?? '';
    return { name, short, colour, dash, points };
  });
}

function whoIs(
  node: string,
  { pods, name: declaration }: Picture,
  upgrade: UpgradePicture | undefined,
): { name: string; short: string; colour: Colour } {
  const host = node.slice(node.indexOf('@') + 1);
  const pod = pods.find((one) => one.node === node);
  const name = pod?.pod ?? (/^[\d.]+$|:/.test(host) ? host : (host.split('.')[0] ?? host));
  const isOf = (set: string | undefined): boolean =>
    set !== undefined && name.slice(0, name.lastIndexOf('-')) === set;
  const colour: Colour =
    upgrade === undefined || isOf(upgrade.to)
      ? 'green'
      : isOf(upgrade.from)
        ? 'blue'
        : (pod?.colour ?? 'blue');
  const short = name.startsWith(`${declaration}-`) ? name.slice(declaration.length + 1) : name;
  return { name, short, colour };
}
