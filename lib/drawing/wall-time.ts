/** Wall time: where a clock sample says what time it was when the stream's clock stood so. */
import { HAS_TS, SRC } from '../assembly/layout.js'
import { timeOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'

const wall = memberName('wall')

/** Nanoseconds that the wall clock is ahead of the stream's, by a `clock` record; undefined: it does not say. */
export function wallOffset(record: RecordView): bigint | undefined {
  const { time } = record
  const now = timeOf(record.member(wall))
  return time !== undefined && now !== undefined && record.has(HAS_TS) ? now - time : undefined
}

export interface WallOffsets {
  take(clock: RecordView): void
  /** For what this machine saw (an interned src); the host's where it told none itself. */
  of(src: number): bigint | undefined
  /** For what is not of one machine: the host's, else that of who told it first. */
  readonly whole: bigint | undefined
}

/** Of each machine its own: a guest may say what it likes, and the times of the host's events do not change by it. */
export function wallOffsets(): WallOffsets {
  const host = idOf('host')
  const known = new Map<number, bigint>()
  const hosts = () => known.get(host) ?? known.get(0)
  return {
    take(clock) {
      const offset = wallOffset(clock)
      if (offset !== undefined) known.set(words[clock.row + SRC] as number, offset)
    },
    of: (src) => known.get(src) ?? hosts(),
    get whole() {
      return hosts() ?? known.values().next().value
    },
  }
}

/** Nanoseconds since 1970, as `2023-04-12 13:47:26.370747`, local time. */
export function wallTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n))
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${((ns / 1000n) % 1_000_000n).toString().padStart(6, '0')}`
}
