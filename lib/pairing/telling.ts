/**
 * Telling (`pair --account 1s`): the account so far, each so long a time of the events. The `account` record has what
 * the summary will have at the end, and closes as that does, with the starts that are open now.
 *
 * Events of hosts whose clocks differ go back and forth: each step is told, for none of them says how long it took.
 */
import { HAS, HAS_TS, TIME } from '../assembly/layout.js'
import { difference, integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'

/** `row`: of a record that is about to be looked at. `interval`: ns, on a grid of the events' time. */
export function telling(interval: number, tell: (until: bigint) => void): (row: number) => void {
  const step = BigInt(interval)
  let fromHigh = 0
  let fromLow = 0
  let begun = false

  return (row) => {
    if (!((words[row + HAS] as number) & HAS_TS)) return
    const since = difference(words[row + TIME + 1] as number, words[row + TIME] as number, fromHigh, fromLow)
    if (begun && since >= 0 && since < interval) return
    const time = integer64(row + TIME)
    const from = time - (((time % step) + step) % step)
    if (begun) tell(from)
    begun = true
    fromHigh = Number(from >> 32n)
    fromLow = Number(from & 0xffff_ffffn)
  }
}
