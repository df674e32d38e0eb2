import { asText, treeData } from './data.js';
import { NotFound } from './failure.js';
import { KubeError, type Kube } from './kube.js';
import type { Line } from './paint.js';
import { noneIn, readViews, type Scope } from './read.js';
import type { Asking } from './request.js';
import { documentsOn, liveOn, print, type Screen } from './screen.js';
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
  /** One that is asked for by name is an object, as in kubectl; of that name in all namespaces there may be more. */
  const dataOf = (views: readonly View[]): string | undefined => {
    const data = views.map(treeData);
    return asText(name === undefined || everywhere ? data : data[0], output);
  };
  const writeData = documentsOn(screen, output);
  const drawLines = watch ? liveOn(screen) : (lines: readonly Line[]): void => print(screen, lines);
  const show = (views: readonly View[]): void => {
    const data = dataOf(views);
    if (data !== undefined) writeData(data);
    else drawLines(linesOf(views));
  };
  const first = await readViews(kube, scope);
  // To programs an empty list is an answer.
  if (first.length === 0 && dataOf(first) === undefined) throw new NotFound(noneIn(scope.namespace));
  show(first);
  if (!watch) return;
  for (;;) {
    await pause(POLL_MS);
    try {
      show(await readViews(kube, scope));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      writeError(`${error.message}; trying again\n`);
    }
  }
}
