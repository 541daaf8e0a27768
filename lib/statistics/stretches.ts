/**
 * Stretches of time (`histo -i 1s`): a series for each. A stretch begins with a pair, and is over with the first record (a pair, or
 * a clock sample: a live stream that has gone quiet) that lies an interval beyond it. Times are ns.
 */
import { TIME } from '../assembly/layout.js'
import { difference, wide } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Series } from './series.js'

export interface Stretches {
  /** A time has come. */
  reach(record: RecordView): void
  /** A pair, whose time was reached. */
  add(record: RecordView): void
  /** The last stretch is over. */
  close(): void
}

export function stretches(
  interval: number,
  make: () => Series,
  show: (stretch: Series, until: bigint) => void,
): Stretches {
  let stretch = make()
  let fromHigh = 0
  let fromLow = 0
  /** The time of the last pair. */
  let lastHigh = 0
  let lastLow = 0

  function over(high: number, low: number): void {
    const whole = stretch
    stretch = make()
    show(whole, wide(high, low))
  }

  return {
    reach({ row }) {
      const high = words[row + TIME + 1] as number
      const low = words[row + TIME] as number
      if (stretch.calls > 0 && difference(high, low, fromHigh, fromLow) >= interval) over(high, low)
    },
    add(record) {
      lastHigh = words[record.row + TIME + 1] as number
      lastLow = words[record.row + TIME] as number
      if (stretch.calls === 0) {
        fromHigh = lastHigh
        fromLow = lastLow
      }
      stretch.add(record)
    },
    close() {
      if (stretch.calls > 0) over(lastHigh, lastLow)
    },
  }
}
