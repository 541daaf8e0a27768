/**
 * When the last pair of each machine ended: so it is known whether a loss that is told late may lie inside a pair that
 * went out already. A loss of one machine is none of another one's own pairs.
 */
import { TIME } from '../assembly/layout.js'
import { wide } from '../wire/int64.js'
import { words } from '../wire/memory.js'

export interface LastEnds {
  /** A pair has gone out: who saw its start and its end, and the end's row. */
  pair(startSrc: number, endSrc: number, row: number): void
  /** Has one ended after this time? `src` 0: of any machine. */
  after(src: number, time: bigint): boolean
}

interface Time {
  high: number
  low: number
}

export function lastEnds(): LastEnds {
  const times = new Map<number, Time>()
  let lastSrc = -1
  let last: Time = { high: 0, low: 0 }

  function note(src: number, row: number): void {
    if (src !== lastSrc) {
      lastSrc = src
      last = times.get(src) ?? { high: 0, low: 0 }
      times.set(src, last)
    }
    last.high = words[row + TIME + 1] as number
    last.low = words[row + TIME] as number
  }

  return {
    pair(startSrc, endSrc, row) {
      note(startSrc, row)
      if (endSrc !== startSrc) note(endSrc, row)
    },
    after(src, time) {
      const some = src === 0 ? [...times.values()] : [times.get(src)]
      return some.some((at) => at !== undefined && wide(at.high, at.low) > time)
    },
  }
}
