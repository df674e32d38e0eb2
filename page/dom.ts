import type { Element as VElement, Node as VNode } from './h.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Brings the children of `parent` from one tree to the next. Only what differs between the two is touched: focus, selection, scroll
 * positions and what a reader has opened stay.
 */
export function patch(parent: Element, before: readonly VNode[], after: readonly VNode[]): void {
  for (const [index, next] of after.entries()) {
    const there = parent.childNodes[index];
    const last = before[index];
    if (there && next === last) continue;
    if (!there || last === undefined) parent.append(make(next, parent));
    else if (typeof next === 'string' || typeof last === 'string' || !isSame(last, next)) {
      there.replaceWith(make(next, parent));
    } else {
      patchAttributes(there as Element, last, next);
      patch(there as Element, last.children, next.children);
    }
  }
  while (parent.childNodes.length > after.length) parent.lastChild?.remove();
}

/** The same thing, and not only one of the same kind: a key says so. */
function isSame(one: VElement, other: VElement): boolean {
  return one.tag === other.tag && one.attributes['data-key'] === other.attributes['data-key'];
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
