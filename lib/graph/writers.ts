/** What becomes of a finished tree, in each form that they can be had. */
import { callRecords } from './call-records.js'
import { foldedStacks } from './folded.js'
import { functionTotals } from './functions.js'
import { outline } from './outline.js'
import { speedscope } from './speedscope.js'
import type { Tree } from './tree.js'

export const forms = ['outline', 'functions', 'folded', 'speedscope', 'calls'] as const

export type Form = (typeof forms)[number]

declare const VERSION: string

interface Where {
  levels: number
  print(text: string): void
  write(line: string): void
}

export interface TreeWriter {
  /** Trees so far, and those that there was no room for. */
  readonly count: number
  readonly left: number
  add(tree: Tree): void
  end(): void
}

interface Writer {
  add(tree: Tree): void
  end(): void
}

export function treeWriter(form: Form, { levels, print, write }: Where): TreeWriter {
  let count = 0
  const scope = speedscope()

  function writerOf(): Writer {
    if (form === 'functions') {
      const totals = functionTotals()
      return { add: totals.add, end: () => print(totals.table()) }
    }
    if (form === 'folded') {
      const stacks = foldedStacks()
      return { add: stacks.add, end: () => print(stacks.text()) }
    }
    if (form === 'speedscope')
      return {
        add: scope.add,
        end() {
          for (const piece of scope.pieces(`vmpipe graph ${VERSION}`)) print(piece)
        },
      }
    if (form === 'outline') return { add: (tree) => print(outline(tree, levels)), end() {} }
    return {
      add(tree) {
        for (const line of callRecords(tree, count)) write(line)
      },
      end() {},
    }
  }

  const writer = writerOf()
  return {
    get count() {
      return count
    },
    get left() {
      return scope.left
    },
    add(tree) {
      count++
      writer.add(tree)
    },
    end: writer.end,
  }
}
