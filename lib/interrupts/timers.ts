/**
 * High-resolution timers that expired late (include/trace/events/timer.h): `hrtimer_start` says when a timer is to
 * expire (`expires`; `softexpires` is the earliest, and no promise), `hrtimer_expire_entry` at what time of the same
 * clock (`now`) it was found to have.
 *
 *     hrtimer_start:        hrtimer=… function=tick_sched_timer expires=29152000000 softexpires=29152000000 mode=ABS|HARD
 *     hrtimer_expire_entry: hrtimer=… function=tick_sched_timer now=29153000000          1 ms late
 *
 * `hrtimer_cancel` says nothing: there is one before each expiry too (__run_hrtimer, kernel/time/hrtimer.c), and a timer
 * that was cancelled is started anew before it expires.
 *
 * One that runs in a softirq (mode SOFT) waits for that, not for interrupts: it is left out. A timer that was started
 * after its time cannot be late before that.
 */
import { SRC } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'

export interface Expiry {
  function: string
  late: number
  /** When it was started, and when it was to be taken, on the clock of the events. */
  started: number
  due: number
}

export interface Timers {
  /** The event at time `at`. Answers false where it does not say when. */
  start(record: RecordView, at: number): boolean
  /** Undefined: not known when it was to expire, or of no use. */
  expired(record: RecordView, at: number): Expiry | undefined
}

/** HRTIMER_MODE_SOFT (include/linux/hrtimer.h). */
const MODE_SOFT = 4
/** More timers than a machine has at once. */
const MAX_TIMERS = 100_000

const hrtimer = memberName('hrtimer')
const func = memberName('function')
const expires = memberName('expires')
const now = memberName('now')
const mode = memberName('mode')

export function timers(): Timers {
  const waiting = new Map<string, { expires: bigint; at: number; soft: boolean }>()
  const idOf = (record: RecordView) => `${words[record.row + SRC]} ${record.arg(hrtimer)}`

  return {
    start(record, at) {
      const when = integer(record.arg(expires))
      if (when === undefined) return false
      const id = idOf(record)
      waiting.delete(id)
      if (waiting.size === MAX_TIMERS) waiting.delete(waiting.keys().next().value as string)
      waiting.set(id, { expires: when, at, soft: isSoft(record.arg(mode)) })
      return true
    },
    expired(record, at) {
      const id = idOf(record)
      const timer = waiting.get(id)
      const time = integer(record.arg(now))
      waiting.delete(id)
      if (!timer || time === undefined || timer.soft) return undefined
      const late = Number(time - timer.expires)
      return { function: functionName(record.arg(func)), late, started: timer.at, due: Math.max(at - late, timer.at) }
    },
  }
}

/** A name, where the source had symbols; else the address. */
function functionName(value: Scalar | undefined): string {
  const address = integer(value)
  return address === undefined ? String(value ?? '') : `0x${BigInt.asUintN(64, address).toString(16)}`
}

function isSoft(value: Scalar | undefined): boolean {
  return typeof value === 'string' ? value.split('|').includes('SOFT') : (Number(value ?? 0) & MODE_SOFT) !== 0
}

function integer(value: Scalar | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined
}
