/**
 * A call tree: a function and all that it called, from its entry to its exit. Times are nanoseconds.
 *
 *     self = total - what its calls took - the interrupts that came in it
 *
 * `a` of 10 us that called `b` (4 us) and was interrupted for 3 us has a self time of 3 us. The interrupt is a tree of
 * its own, so that the self times of all trees add up to the totals of those that nothing surrounds.
 */

export interface Call {
  func: string
  /** Of the entry, as its event has it: ns, or cycles where the tree says so. */
  time: bigint | undefined
  /** Of the entry, ns on one clock with the other calls; undefined where nothing tells. */
  start: bigint | undefined
  total: number
  /** What calls and interrupts in it took. */
  inner: number
  inside: (Call | Note)[]
}

/** What happened meanwhile, for people: another thread, an interrupt, an event. */
export interface Note {
  note: string
  /** How long it took, where it is an interrupt. */
  ns?: number
}

export interface Tree {
  src: string
  cpu: number | undefined
  pid: number | undefined
  comm: string | undefined
  /** Its times are cycles. */
  cycles: boolean
  /** The function is the kernel's entry to an interrupt. */
  irq: boolean
  root: Call
  /** Calls that it holds, and those beyond the limit, whose time is the self time of who called them. */
  calls: number
  cut: number
  notes: number
  switches: number
  /** A function that was looked for is in it. */
  found: boolean
}

export function isCall(inside: Call | Note): inside is Call {
  return !('note' in inside)
}

/** 0 where rounding made the calls longer than who called them. */
export function selfOf({ total, inner }: Call): number {
  return Math.max(0, total - inner)
}

/** All calls of a tree, callers first; `path` holds the calls from the root to this one. */
export function walk(tree: Tree, visit: (call: Call, path: readonly Call[]) => void): void {
  const path: Call[] = []
  const down = (call: Call) => {
    path.push(call)
    visit(call, path)
    for (const inside of call.inside) if (isCall(inside)) down(inside)
    path.pop()
  }
  down(tree.root)
}
