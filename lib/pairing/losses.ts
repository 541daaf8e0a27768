/**
 * Losses: which starts are unsafe, since their end, or a newer start, may be among what is missing.
 *
 * What a thread or CPU does is seen by its own machine alone. Whatever else a start waits for may come from any machine
 * that has a part in the hop; but a guest's events concern that guest.
 */
import { HAS_PID } from '../assembly/layout.js'
import type { Loss } from '../wire/lost.js'
import { isIdle } from './event-key.js'
import type { Guests } from './guests.js'
import type { OpenStart } from './open-starts.js'
import type { Tally } from './tally.js'

export interface Losses {
  /** There was one, ever. */
  readonly any: boolean
  /** There is one that is not known to be over. */
  readonly lasting: boolean
  /** The marks that those stand behind which are not over. */
  readonly since: readonly number[]
  /** `until`: something is missing up to this time. */
  add(loss: Loss, until: bigint, mark: number): void
  /** Those that are over at this time are forgotten. */
  pass(now: bigint): void
  /** Is something missing behind this start, which comes now? */
  cover(start: OpenStart, now: bigint): boolean
  /** Could a missing event of this src and cpu have closed or replaced this start? */
  touch(start: OpenStart, src: number, cpu: number | undefined): boolean
}

interface Lasting {
  src: number
  cpu: number | undefined
  until: bigint
  mark: number
}

/** `ofAll`: a loss is of all machines there are. */
export function losses(sides: Tally, known: Guests, ofAll: boolean): Losses {
  let list: Lasting[] = []
  let any = false

  function pass(now: bigint): void {
    if (list.some(({ until }) => now > until)) list = list.filter(({ until }) => now <= until)
  }

  function touch(start: OpenStart, src: number, cpu: number | undefined): boolean {
    if (src === 0) return true
    if (start.local) return start.src === src && (cpu === undefined || start.cpu === cpu || mayMove(start))
    if (known.alone(src) && known.apart(start.vm, start.src, src)) return false
    // the end of what concerns a guest comes from that guest, also where none has come yet
    return ofAll || start.vm === src || sides.concerns(start.hop, src)
  }

  return {
    get any() {
      return any
    },
    get lasting() {
      return list.length > 0
    },
    get since() {
      return list.map(({ mark }) => mark)
    },
    add({ src, cpu }, until, mark) {
      any = true
      list.push({ src, cpu, until, mark })
    },
    pass,
    cover(start, now) {
      pass(now)
      return list.some(({ src, cpu, until }) => {
        // at the end of a loss only its own CPU is known to be past it
        const past = now === until && (src === 0 || (src === start.src && (cpu === undefined || cpu === start.cpu)))
        return !past && touch(start, src, cpu)
      })
    },
    touch,
  }
}

/** A thread may go on on another CPU, an idle one cannot. */
function mayMove({ has, pid }: OpenStart): boolean {
  return (has & HAS_PID) !== 0 && !isIdle(has, pid)
}
