/**
 * `lost` records out of loss lines. The text says only how many events of a CPU are missing here; between which
 * times, its events before and after tell. So a loss is held until the next event of its CPU.
 */
import { CPU, HAS, HAS_CPU, HAS_KEY_INTEGER, HAS_TSC, KEY, SRC, TIME } from '../assembly/layout.js'
import { integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'

export interface Losses {
  /** Losses wait for an event. */
  readonly waiting: boolean
  /** Lost records so far, and the events they speak of. */
  readonly records: number
  readonly events: number | bigint
  /** A loss line's row. */
  hold(row: number): void
  /** An event's row; the losses that it ends are written before. */
  end(row: number): void
  /** An event's row: later losses begin here. */
  pass(row: number): void
  /** No more events. */
  finish(): void
}

interface Loss {
  src: number
  cpu: number | undefined
  count: bigint | undefined
  from: string | undefined
}

/** Low and high words of the last time of each CPU of one src; slot 0 is any CPU, has: 0 is none. */
interface Clock {
  has: Int32Array
  low: Int32Array
  high: Int32Array
}

export function losses(write: (line: string) => void): Losses {
  const clocks = new Map<number, Clock>()
  let clock: Clock = newClock(64)
  let src = -1
  let waiting: Loss[] = []
  let records = 0
  let events = 0n

  function clockOf(name: number): Clock {
    const known = clocks.get(name)
    if (known) return known
    const made = newClock(64)
    clocks.set(name, made)
    return made
  }

  function put(slot: number, row: number): void {
    clock.has[slot] = words[row + HAS] as number
    clock.low[slot] = words[row + TIME] as number
    clock.high[slot] = words[row + TIME + 1] as number
  }

  function say(loss: Loss, to: string | undefined): void {
    records++
    events += loss.count ?? 0n
    write(
      JSON.stringify({
        type: 'lost',
        src: nameOf(loss.src),
        cpu: loss.cpu,
        count: exact(loss.count),
        from: loss.from,
        to,
      }),
    )
  }

  return {
    get waiting() {
      return waiting.length > 0
    },
    get records() {
      return records
    },
    get events() {
      return number(events)
    },
    hold(row) {
      const has = words[row + HAS] as number
      const of = words[row + SRC] as number
      const cpu = has & HAS_CPU ? (words[row + CPU] as number) : undefined
      const { has: known, low, high } = clockOf(of)
      const slot = cpu === undefined ? 0 : cpu + 1
      const from = known[slot] ? timeText(known[slot], low[slot] as number, high[slot] as number) : undefined
      waiting.push({ src: of, cpu, count: has & HAS_KEY_INTEGER ? integer64(row + KEY) : undefined, from })
    },
    end(row) {
      const has = words[row + HAS] as number
      const of = words[row + SRC] as number
      const to = timeText(has, words[row + TIME] as number, words[row + TIME + 1] as number)
      waiting = waiting.filter((loss) => {
        const here = loss.src === of && (loss.cpu === undefined || (has & HAS_CPU && words[row + CPU] === loss.cpu))
        if (here) say(loss, to)
        return !here
      })
    },
    pass(row) {
      if (words[row + SRC] !== src) {
        src = words[row + SRC] as number
        clock = clockOf(src)
      }
      put(0, row)
      if (((words[row + HAS] as number) & HAS_CPU) === 0) return
      const slot = (words[row + CPU] as number) + 1
      if (slot >= clock.has.length) grow(clock, slot)
      put(slot, row)
    },
    finish() {
      for (const loss of waiting) say(loss, undefined)
      waiting = []
    },
  }
}

function newClock(size: number): Clock {
  return { has: new Int32Array(size), low: new Int32Array(size), high: new Int32Array(size) }
}

function grow(clock: Clock, slot: number): void {
  const bigger = newClock(2 ** Math.ceil(Math.log2(slot + 1)))
  bigger.has.set(clock.has)
  bigger.low.set(clock.low)
  bigger.high.set(clock.high)
  Object.assign(clock, bigger)
}

function timeText(has: number, low: number, high: number): string {
  const time = (BigInt(high) << 32n) | BigInt(low >>> 0)
  return (has & HAS_TSC ? BigInt.asUintN(64, time) : time).toString()
}

/** As JSON may have it: a string above 2^53. */
function exact(n: bigint | undefined): number | string | undefined {
  return n === undefined || n > BigInt(Number.MAX_SAFE_INTEGER) ? n?.toString() : Number(n)
}

function number(n: bigint): number | bigint {
  return n > BigInt(Number.MAX_SAFE_INTEGER) ? n : Number(n)
}
