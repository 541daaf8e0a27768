/**
 * A lane: the intervals of one host, as a worker writes them, on a grid of the host's time: those of 10 s begin at 40, 50
 * and so on. An interval is over with the first record that lies behind it, a pair or a clock sample, so a live host that
 * has gone quiet still says that it is there. A pair that comes later than that counts in the interval at hand, and as late.
 *
 * Without an interval there is one, from the first record to the last.
 */
import { TIME } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import type { Series } from '../statistics/series.js'
import { difference, integer64, wide } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Bounds } from './interval-record.js'

export interface Lane {
  /** A pair with a time in ns. */
  add(record: RecordView): void
  /** A time has come. */
  reach(record: RecordView): void
  /** Nothing comes any more: the last interval, though it may be in its middle, or nothing ever came. */
  end(): void
}

/** What becomes of an interval. `final`: it is the last. */
export type Close = (of: Series, bounds: Bounds, late: number, final: boolean) => void

/** `interval`: ns; 0: none. */
export function lane(interval: number, make: () => Series, close: Close): Lane {
  const step = BigInt(interval)
  let open: Series | null = null
  let late = 0
  let fromHigh = 0
  let fromLow = 0
  /** The latest time that came. */
  let lastHigh = 0
  let lastLow = 0

  function begin(time: bigint): Series {
    const from = interval === 0 ? time : time - (((time % step) + step) % step)
    fromHigh = Number(from >> 32n)
    fromLow = Number(from & 0xffff_ffffn)
    open = make()
    late = 0
    return open
  }

  /** Answers how far the time lies behind the beginning of the interval at hand; it may be before it. */
  function come(row: number): number {
    const high = words[row + TIME + 1] as number
    const low = words[row + TIME] as number
    if (open === null) {
      lastHigh = high
      lastLow = low
      begin(integer64(row + TIME))
    }
    if (difference(high, low, lastHigh, lastLow) > 0) {
      lastHigh = high
      lastLow = low
    }
    const since = difference(high, low, fromHigh, fromLow)
    if (interval === 0 || since < interval) return since
    const from = wide(fromHigh, fromLow)
    close(open as unknown as Series, { from, to: from + step }, late, false)
    begin(integer64(row + TIME))
    return 0
  }

  return {
    add(record) {
      if (come(record.row) < 0 && interval > 0) late++
      const row = open?.add(record)
      if (typeof row === 'string') throw new BadRecord(row)
    },
    reach(record) {
      come(record.row)
    },
    end() {
      const bounds = { from: wide(fromHigh, fromLow), to: wide(lastHigh, lastLow) }
      close(open ?? make(), bounds, late, true)
    },
  }
}
