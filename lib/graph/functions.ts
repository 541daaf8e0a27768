/**
 * Totals of each function. Of a function that calls itself, directly or not, only the outermost call counts in `total`;
 * `self` adds up over all functions to the time of the trees.
 */
import { oneLine } from '../drawing/visible.js'
import { selfOf, type Tree, walk } from './tree.js'

interface FunctionTotals {
  calls: number
  /** Of the calls in no other of the same function. */
  total: bigint
  /** Of all calls. */
  sum: bigint
  self: bigint
  max: number
}

const MAX_FUNCTIONS = 65536
const OTHERS = '(others)'

export function functionTotals() {
  const found = new Map<string, FunctionTotals>()

  function totalsOf(func: string): FunctionTotals {
    const known = found.get(func)
    if (known) return known
    if (found.size >= MAX_FUNCTIONS && func !== OTHERS) return totalsOf(OTHERS)
    const made = { calls: 0, total: 0n, sum: 0n, self: 0n, max: 0 }
    found.set(func, made)
    return made
  }

  return {
    add(tree: Tree): void {
      walk(tree, (call, path) => {
        const totals = totalsOf(call.func)
        totals.calls++
        totals.self += BigInt(selfOf(call))
        totals.sum += BigInt(call.total)
        totals.max = Math.max(totals.max, call.total)
        if (!path.some((outer) => outer !== call && outer.func === call.func)) totals.total += BigInt(call.total)
      })
    },
    /** The largest self time first. */
    table(): string {
      const rows = [...found].toSorted(([a, x], [b, y]) =>
        x.self === y.self ? (a < b ? -1 : 1) : x.self < y.self ? 1 : -1,
      )
      const names = rows.map(([func]) => oneLine(func))
      const width = Math.max(8, ...names.map((name) => name.length))
      const line = (name: string, cells: string[]) =>
        `${name.padEnd(width)} ${cells.map((cell, i) => cell.padStart(i === 0 ? 8 : 16)).join(' ')}\n`
      const heads = ['calls', 'self(us)', 'total(us)', 'mean(us)', 'max(us)']
      const rule = line('-'.repeat(width), ['-'.repeat(8), ...heads.slice(1).map(() => '-'.repeat(16))])
      const body = rows.map(([, { calls, self, total, sum, max }], i) =>
        line(names[i] as string, [String(calls), ...[self, total, sum / BigInt(calls), BigInt(max)].map(micros)]),
      )
      return line('function', heads) + rule + body.join('')
    },
  }
}

function micros(ns: bigint): string {
  return `${ns / 1000n}.${String(ns % 1000n).padStart(3, '0')}`
}
