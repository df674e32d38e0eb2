import { asText, treeData } from './data.js';
import { NotFound } from './failure.js';
import { KubeError, type Kube } from './kube.js';
import type { Line } from './paint.js';
import { noneIn, readViews, type Scope } from './read.js';
import type { Asking } from './request.js';
import { liveOn, print, type Screen } from './screen.js';
import { summaryOf } from './summary.js';
import { treeOf } from './tree.js';
import type { View } from './view.js';

const POLL_MS = 1000;

/** Shows upgrades, once or until interrupted. @throws NotFound where there is none, KubeError when the first look fails */
export async function get(
  { name, everywhere, output, watch }: Extract<Asking, { kind: 'get' }>,
  tools: {
    kube: Kube;
    screen: Screen;
    pause: (ms: number) => Promise<void>;
    writeError: (text: string) => void;
  },
): Promise<void> {
  const { kube, screen, pause, writeError } = tools;
  const scope: Scope = { namespace: everywhere ? '' : kube.namespace, ...(name !== undefined && { name }) };
  const isWide = output === 'wide';
  const linesOf = (views: readonly View[]): Line[] => {
    const [only, second] = views;
    const width = isWide ? Infinity : screen.columns();
    return only && !second && !everywhere ? treeOf(only, { width, isWide }) : summaryOf(views, { isWide });
  };
  const views = await readViews(kube, scope);
  const data = views.map(treeData);
  const text = asText(name === undefined ? data : data[0], output);
  if (text !== undefined) {
    screen.write(`${text}\n`);
    return;
  }
  if (views.length === 0) throw new NotFound(noneIn(scope.namespace));
  if (!watch) {
    print(screen, linesOf(views));
    return;
  }
  const show = liveOn(screen);
  show(linesOf(views));
  for (;;) {
    await pause(POLL_MS);
    try {
      show(linesOf(await readViews(kube, scope)));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      writeError(`${error.message}; trying again\n`);
    }
  }
}
