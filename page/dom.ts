import type { Element as VElement, Node as VNode } from './h.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Brings the children of `parent` from one tree to the next. Only what differs between the two is touched: focus, selection, scroll
 * positions and what a reader has opened stay, and go with what has a key to its new place.
 */
export function patch(parent: Element, before: readonly VNode[], after: readonly VNode[]): void {
  const old = before.flatMap((node, index) => {
    const there = parent.childNodes[index];
    return there ? [{ node, there }] : [];
  });
  const unkeyed = old.filter(({ node }) => keyOf(node) === '');
  const keyed = new Map(old.filter(({ node }) => keyOf(node) !== '').map((one) => [keyOf(one.node), one]));
  const lasts = after.map((next) => {
    const key = keyOf(next);
    if (key === '') return unkeyed.shift();
    const last = keyed.get(key);
    keyed.delete(key);
    return last;
  });
  for (const { there } of [...unkeyed, ...keyed.values()]) there.remove();
  arrange(
    parent,
    after.map((next, index) => {
      const last = lasts[index];
      return last ? patched(last, next, parent) : make(next, parent);
    }),
  );
}

/** Brings one node to what it is next. @returns the node that is there then */
function patched({ node: last, there }: { node: VNode; there: Node }, next: VNode, parent: Element): Node {
  if (next === last) return there;
  if (typeof next === 'string' || typeof last === 'string' || next.tag !== last.tag) {
    const fresh = make(next, parent);
    parent.replaceChild(fresh, there);
    return fresh;
  }
  patchAttributes(there as Element, last, next);
  patch(there as Element, last.children, next.children);
  return there;
}

/** Puts children in their order. What is moved in a document loses the focus: what has it stays, and the others go around it. */
function arrange(parent: Element, nodes: readonly Node[]): void {
  const { activeElement } = parent.ownerDocument;
  const focused = nodes.findIndex((node) => node.contains(activeElement));
  if (focused === -1) put(parent, nodes[0], parent.firstChild);
  const still = Math.max(0, focused);
  for (let index = still - 1; index >= 0; index -= 1) put(parent, nodes[index], nodes[index + 1] ?? null);
  for (let index = still + 1; index < nodes.length; index += 1)
    put(parent, nodes[index], nodes[index - 1]?.nextSibling ?? null);
}

function put(parent: Element, node: Node | undefined, before: Node | null): void {
  if (!node || node === before || (node.parentNode === parent && node.nextSibling === before)) return;
  parent.insertBefore(node, before);
}

/** It says what a thing is, and not only of which kind; empty: nothing does. */
function keyOf(node: VNode): string {
  return typeof node === 'string' ? '' : (node.attributes['data-key'] ?? '');
}

function patchAttributes(
  element: Element,
  { attributes: before }: VElement,
  { attributes: after }: VElement,
): void {
  for (const name of Object.keys(before)) if (!(name in after)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(after))
    if (before[name] !== value) element.setAttribute(name, value);
}

function make(node: VNode, parent: Element): Node {
  if (typeof node === 'string') return document.createTextNode(node);
  const isSvg = node.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  const element = isSvg ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  for (const [name, value] of Object.entries(node.attributes)) element.setAttribute(name, value);
  for (const child of node.children) element.append(make(child, element));
  return element;
}
