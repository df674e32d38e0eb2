/** The page as a tree of plain data: what the view makes of the state, what tests read, and what the shell brings into the document. */
export interface Element {
  tag: string;
  attributes: Record<string, string>;
  children: Node[];
}

/** A string is text, whatever characters it has: nothing is ever read as markup. */
export type Node = Element | string;

type Attributes = Record<string, string | number | boolean | undefined>;
type Child = Node | undefined | false | readonly Child[];

/** An element; attributes that are undefined or false are none, and true is an empty one. */
export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): Element {
  const kept = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [[name, value === true ? '' : String(value)] as const],
  );
  return { tag, attributes: Object.fromEntries(kept), children: flat(children) };
}

function flat(children: readonly Child[]): Node[] {
  return children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    return typeof child === 'object' && !('tag' in child) ? flat(child) : [child];
  });
}

/** What somebody reads who hears the page: all text, in order. */
export function textOf(node: Node): string {
  return typeof node === 'string' ? node : node.children.map(textOf).join(' ').replace(/\s+/g, ' ').trim();
}

/** Every element of a tag, depth first. */
export function all(node: Node, tag: string): Element[] {
  if (typeof node === 'string') return [];
  const below = node.children.flatMap((child) => all(child, tag));
  return node.tag === tag ? [node, ...below] : below;
}
