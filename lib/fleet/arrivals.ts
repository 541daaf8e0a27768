/**
 * Arrivals: which intervals of a worker have come, so that each counts once, whatever a channel brings twice, late, or not
 * at all. One account a worker and host; a row is known by its interval's number and its own.
 *
 * Of the last WINDOW intervals that came it is held what they said, to tell the same again from something else under the
 * same number. Of all earlier ones only which never came, as ranges of numbers: everything else has, and is the same.
 */
import { BadRecord } from '../cli/tool.js'
import type { Told } from './interval-record.js'

export type Verdict = 'new' | 'repeated'

export interface Arrivals {
  /** A row came. `digest`: of what it says. Throws BadRecord where another one came under its numbers. */
  row(interval: number, row: number, calls: number, digest: number): Verdict
  /** The record at the end of an interval. Throws in the same way. */
  told(interval: number, told: Told, digest: number): Verdict
  /** Throws BadRecord where all rows of an interval have other pairs than its end tells. */
  check(interval: number): void
  state(): State
}

export interface State {
  /** Intervals that have come, at least in part. */
  intervals: number
  /** Of these, came after a later one; and pairs in them. */
  late: number[]
  lateCount: number
  latePairs: number
  /** Records that had come before. */
  repeated: number
  /** Never came: first and last number. */
  missing: readonly Range[]
  /** Came without some of their rows, or without their end. */
  partial: number[]
  /** The last one is under way: it has not come to its end. */
  open: number | undefined
  /** What the worker says it has written, less what came of it. */
  missingPairs: number
  final: boolean
}

type Range = readonly [first: number, last: number]

interface Entry {
  /** By row. */
  digests: Map<number, number>
  calls: number
  late: boolean
  told: { rows: number; pairs: number; digest: number } | undefined
}

/** Shared by all workers: digests that are held. */
export interface Budget {
  left: number
}

const none: Entry = { digests: new Map(), calls: 0, late: false, told: undefined }

const WINDOW = 64
/** Ranges of missing numbers that are told apart, and numbers that are named. */
const MOST_RANGES = 256
const MOST_NAMED = 16

export function arrivals(budget: Budget): Arrivals {
  const entries = new Map<number, Entry>()
  const missing: Range[] = []
  const late: number[] = []
  /** Partial ones that are not held any more. */
  const partial: number[] = []
  let top = -1
  let intervals = 0
  let lateCount = 0
  let latePairs = 0
  let repeated = 0
  let came = 0
  /** Pairs that the worker wrote, as far as it has said, which was at the end of this interval. */
  let wrote = 0
  let wroteUntil = -1
  let final = false

  /** The entry of an interval; undefined: it has come, long ago. */
  function entryOf(interval: number): Entry | undefined {
    const known = entries.get(interval)
    if (known) return known
    const isLate = interval < top
    if (isLate && !fill(interval)) return undefined
    if (interval > top) {
      if (interval > top + 1) missing.push([top + 1, interval - 1])
      if (missing.length > MOST_RANGES) missing.shift()
      top = interval
    }
    intervals++
    if (isLate) {
      lateCount++
      if (late.length < MOST_NAMED) late.push(interval)
    }
    if (entries.size >= WINDOW) forget()
    const made: Entry = { digests: new Map(), calls: 0, late: isLate, told: undefined }
    entries.set(interval, made)
    return made
  }

  /** Takes a number out of those that are missing; answers whether it was one. */
  function fill(interval: number): boolean {
    const at = missing.findIndex(([first, last]) => first <= interval && interval <= last)
    const range = missing[at]
    if (!range) return false
    const [first, last] = range
    const rest: Range[] = [
      [first, interval - 1],
      [interval + 1, last],
    ]
    missing.splice(at, 1, ...rest.filter(([from, to]) => from <= to))
    return true
  }

  /** The one that came first is held no longer. */
  function forget(): void {
    const [oldest] = entries
    if (!oldest) return
    const [interval, entry] = oldest
    entries.delete(interval)
    budget.left += entry.digests.size
    if (isPartial(entry) && partial.length < MOST_NAMED) partial.push(interval)
  }

  function place(interval: number): void {
    if (budget.left <= 0 && entries.size > 1) forget()
    if (budget.left <= 0) throw new BadRecord(`interval ${interval}: more rows than can be held`)
    budget.left--
  }

  /** Pairs of intervals behind the last one whose end has come. */
  function cameSince(): number {
    let sum = 0
    for (const [interval, { calls }] of entries) if (interval > wroteUntil) sum += calls
    return sum
  }

  function other(interval: number, what: string): never {
    throw new BadRecord(`interval ${interval} came before, with another ${what}; the first counts`)
  }

  return {
    row(interval, row, calls, digest) {
      const entry = entryOf(interval)
      const known = entry?.digests.get(row)
      if (entry === undefined || known === digest) {
        repeated++
        return 'repeated'
      }
      if (known !== undefined || (entry.told && row >= entry.told.rows)) other(interval, `row ${row}`)
      place(interval)
      entry.digests.set(row, digest)
      entry.calls += calls
      came += calls
      if (entry.late) latePairs += calls
      return 'new'
    },
    told(interval, told, digest) {
      const entry = entryOf(interval)
      if (entry === undefined || entry.told?.digest === digest) {
        repeated++
        return 'repeated'
      }
      if (entry.told) other(interval, 'end')
      entry.told = { rows: told.rows, pairs: told.pairs, digest }
      if (interval > wroteUntil) {
        wrote = told.before + told.pairs
        wroteUntil = interval
      }
      final ||= told.final
      return 'new'
    },
    check(interval) {
      const { told, digests, calls } = entries.get(interval) ?? none
      if (told && digests.size >= told.rows && calls !== told.pairs)
        throw new BadRecord(`interval ${interval} tells ${told.pairs} pairs, its rows have ${calls}`)
    },
    state: () => ({
      intervals,
      late,
      lateCount,
      latePairs,
      repeated,
      missing,
      partial: [...partial, ...[...entries].filter(([, entry]) => isPartial(entry)).map(([interval]) => interval)],
      open: entries.get(top)?.told ? undefined : top,
      missingPairs: Math.max(0, wrote - came + cameSince()),
      final,
    }),
  }
}

function isPartial({ told, digests }: Entry): boolean {
  return told === undefined || digests.size < told.rows
}
