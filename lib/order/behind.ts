/**
 * Behind: rows of a lane that came after one with a later time, sorted (a binary heap): taking one in costs the
 * same however far it goes back, so an input that jumps can slow nothing down. Rows of equal times come out as
 * they came in.
 */
import { before } from '../wire/int64.js'

export interface Behind {
  readonly size: number
  /** Of the first; only where there is one. */
  readonly high: number
  readonly low: number
  readonly late: boolean
  add(row: number, high: number, low: number, late: boolean): void
  /** Takes the first row out. */
  shift(): number
}

interface Item {
  row: number
  high: number
  low: number
  late: boolean
  turn: number
}

export function behind(): Behind {
  const heap: Item[] = []
  let turns = 0

  function isBefore(a: Item, b: Item): boolean {
    if (a.high === b.high && a.low === b.low) return a.turn < b.turn
    return before(a.high, a.low, b.high, b.low)
  }

  function rise(item: Item): void {
    let at = heap.length
    for (heap.push(item); at > 0; ) {
      const up = (at - 1) >> 1
      if (!isBefore(item, heap[up] as Item)) break
      heap[at] = heap[up] as Item
      at = up
    }
    heap[at] = item
  }

  function sink(item: Item): void {
    let at = 0
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1] as Item, heap[down] as Item)) down++
      if (!isBefore(heap[down] as Item, item)) break
      heap[at] = heap[down] as Item
      at = down
    }
    heap[at] = item
  }

  return {
    get size() {
      return heap.length
    },
    get high() {
      return (heap[0] as Item).high
    },
    get low() {
      return (heap[0] as Item).low
    },
    get late() {
      return (heap[0] as Item).late
    },
    add: (row, high, low, late) => rise({ row, high, low, late, turn: turns++ }),
    shift() {
      const { row } = heap[0] as Item
      const last = heap.pop() as Item
      if (heap.length > 0) sink(last)
      return row
    },
  }
}
