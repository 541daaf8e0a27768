/** A growing list of times, as doubles relative to the first one of their clock: exact below 2^53, 8 bytes each. */
import { TIME } from '../assembly/layout.js'
import { difference, integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'

export interface Times {
  push(time: number): void
  readonly length: number
  /** In ascending order. */
  sorted(): Float64Array
}

export function times(): Times {
  let values = new Float64Array(64)
  let length = 0
  return {
    get length() {
      return length
    },
    push(time) {
      if (length === values.length) {
        const larger = new Float64Array(length * 2)
        larger.set(values)
        values = larger
      }
      values[length++] = time
    },
    sorted: () => values.slice(0, length).sort(),
  }
}

/** A clock whose times are counted from the first one that was read. */
export interface Epoch {
  /** The first time; 0 before there was one. */
  readonly start: bigint
  /** A row's time, less the first. */
  of(row: number): number
  /** Any time, less the first. */
  since(time: bigint): number
}

export function epoch(): Epoch {
  let known = false
  let high = 0
  let low = 0
  let start = 0n

  function begin(first: bigint): void {
    known = true
    high = Number(BigInt.asIntN(32, first >> 32n))
    low = Number(BigInt.asIntN(32, first))
    start = first
  }

  return {
    get start() {
      return start
    },
    of(row) {
      if (!known) begin(integer64(row + TIME))
      return difference(words[row + TIME + 1] as number, words[row + TIME] as number, high, low)
    },
    since(time) {
      if (!known) begin(time)
      return Number(BigInt.asIntN(64, time - start))
    },
  }
}

/** How many of the ascending values lie below `x`. */
export function below(values: Float64Array, x: number): number {
  let from = 0
  let to = values.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((values[middle] as number) < x) from = middle + 1
    else to = middle
  }
  return from
}
