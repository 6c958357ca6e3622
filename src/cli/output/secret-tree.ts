import { base64FormsOf } from './base64-forms.ts'
import type { Base64Head, Margin } from './base64-forms.ts'

/**
 * A tree of texts, one UTF-16 code unit a level. It grows where it is searched: a node keeps the texts that go through
 * it together, and is spread out when a search does, too. Of thousands of secrets hardly one is ever met.
 */
export interface Node {
  /** How many code units lead here. */
  readonly depth: number
  /** What has been spread out; null where nothing was, as most nodes are never searched themselves. */
  next: Map<number, Node> | null
  /** The texts that go on behind this node and have not been spread out. */
  waiting: (Whole | Base64Head)[]
  /** Not null where a text ends. */
  margin: Margin | null
}

interface Whole {
  readonly text: string
  readonly margin: Margin
}

const NONE: Margin = { before: 0, after: 0 }

export function createTree(): Node {
  return createNode(0)
}

/** Adds a text as it is. It must not be empty. */
export function addText(root: Node, text: string): void {
  put(root, { text, margin: NONE })
}

/** Adds the base64 forms that begin so; they are made when a search has come through their head. */
export function addBase64(root: Node, head: Base64Head): void {
  put(root, head)
}

/** The node behind this one. All texts are moved one level at most, so a search pays for each of them but once. */
export function step(node: Node, unit: number): Node | undefined {
  if (node.waiting.length > 0) spread(node)
  return node.next?.get(unit)
}

function spread(node: Node): void {
  const next = (node.next ??= new Map<number, Node>())
  for (const one of node.waiting) {
    const unit = one.text.charCodeAt(node.depth)
    let child = next.get(unit)
    if (child === undefined) {
      child = createNode(node.depth + 1)
      next.set(unit, child)
    }
    put(child, one)
  }
  node.waiting = []
}

function put(node: Node, one: Whole | Base64Head): void {
  if (one.text.length > node.depth) {
    node.waiting.push(one)
  } else if ('written' in one) {
    for (const { text, ...margin } of base64FormsOf(one)) put(node, { text, margin })
  } else {
    const { before, after } = node.margin ?? NONE
    node.margin = { before: Math.max(one.margin.before, before), after: Math.max(one.margin.after, after) }
  }
}

function createNode(depth: number): Node {
  return { depth, next: null, waiting: [], margin: null }
}
