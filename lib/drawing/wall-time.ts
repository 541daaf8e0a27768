/** Wall time: where a clock sample says what time it was when the stream's clock stood so. */
import { HAS_TS } from '../assembly/layout.js'
import { timeOf } from '../wire/lost.js'
import { memberName, type RecordView } from '../wire/record.js'

const wall = memberName('wall')

/** Nanoseconds that the wall clock is ahead of the stream's, by a `clock` record; undefined: it does not say. */
export function wallOffset(record: RecordView): bigint | undefined {
  const { time } = record
  const now = timeOf(record.member(wall))
  return time !== undefined && now !== undefined && record.has(HAS_TS) ? now - time : undefined
}

/** Nanoseconds since 1970, as `2023-04-12 13:47:26.370747`, local time. */
export function wallTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n))
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${((ns / 1000n) % 1_000_000n).toString().padStart(6, '0')}`
}
