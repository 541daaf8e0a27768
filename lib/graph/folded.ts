/** Folded stacks, as flame graphs are drawn from: `caller;callee self_ns`, a line for each path that took time. */
import { oneLine } from '../drawing/visible.js'
import { selfOf, type Tree, walk } from './tree.js'

const MAX_STACKS = 65536
const OTHERS = '(others)'

export function foldedStacks() {
  const stacks = new Map<string, bigint>()
  return {
    add(tree: Tree): void {
      walk(tree, (call, path) => {
        const self = selfOf(call)
        if (self === 0) return
        const stack = path.map(({ func }) => frameName(func)).join(';')
        const name = stacks.has(stack) || stacks.size < MAX_STACKS ? stack : OTHERS
        stacks.set(name, (stacks.get(name) ?? 0n) + BigInt(self))
      })
    },
    text(): string {
      return [...stacks]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([stack, ns]) => `${stack} ${ns}\n`)
        .join('')
    },
  }
}

/** A blank ends the stack, a semicolon the frame. */
function frameName(func: string): string {
  return oneLine(func).replaceAll(/[;\s]/g, '_')
}
