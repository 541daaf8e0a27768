/**
 * An event as a line for people, in perf-prof's form:
 *
 *     2023-04-12 13:47:26.370747 G           <idle>      0 d.h. [077] 186430.038050: irq:irq_handler_entry: irq=38 name=virtio0-input.3
 *
 * wall time where the stream tells it, `G` for what a guest saw, comm, pid, flags, CPU, the clock's seconds (or
 * cycles), event and text. Whatever comes out of a record can do nothing to a terminal.
 */
import { HAS_TS } from '../assembly/layout.js'
import { textOf } from '../wire/plain-text.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { Pen } from './colour.js'
import { oneLine } from './visible.js'
import { wallTime } from './wall-time.js'

export interface LineOptions {
  /** Digits after the point of a second. */
  digits: 6 | 9
  /** Shown times are relative to this one, in us. */
  zero: bigint | undefined
  /** The src's name in place of the mark. */
  sources: boolean
  /** Wall clock less the events' clock, ns; undefined: unknown. */
  wallOffset: bigint | undefined
  pen: Pen
}

export function eventLine(record: RecordView, options: LineOptions): string {
  const { comm = '<...>', pid, flags = '....', cpu, src } = record
  const host = src === 'host' || src === ''
  const mark = options.sources ? oneLine(src).padEnd(8) : host ? ' ' : 'G'
  const task = `${comm.padStart(16)} ${pid === undefined ? '     ?' : String(pid).padStart(6)}`
  const place = cpu === undefined ? '[---]' : `[${String(cpu).padStart(3, '0')}]`
  const rest = `${task} ${flags} ${place} ${clock(record, options)}: ${record.event}: ${eventText(record)}`
  return `${wall(record, options)}${host ? mark : options.pen.guest(mark)} ${oneLine(rest)}`
}

const stack = memberName('stack')

/** The frames of an event's stack, to stand below its line. */
export function stackLines(record: RecordView): string[] {
  const json = record.json(stack)
  const frames: unknown = json === undefined ? null : JSON.parse(json)
  if (frames === null) return []
  return (Array.isArray(frames) ? frames : [frames]).map(
    (frame) => ` => ${typeof frame === 'string' ? frame : JSON.stringify(frame)}`,
  )
}

/** The event's own text where it was kept, else its fields. */
export function eventText(record: RecordView): string {
  const { text } = record
  if (text !== undefined) return text
  return Object.entries(record.args)
    .map(([name, value]) => `${name}=${textOf(value)}`)
    .join(' ')
}

function clock(record: RecordView, { digits, zero }: LineOptions): string {
  const { time } = record
  if (time === undefined) return '-'
  if (!record.has(HAS_TS)) return BigInt.asUintN(64, time).toString()
  if (zero !== undefined) return `${relative(time - zero)} us`
  return seconds(time, digits)
}

/** `+23485.123`, `-1.000`. */
function relative(ns: bigint): string {
  const size = ns < 0n ? -ns : ns
  return `${ns < 0n ? '-' : '+'}${size / 1000n}.${(size % 1000n).toString().padStart(3, '0')}`.padStart(12)
}

export function seconds(ns: bigint, digits: 6 | 9): string {
  const size = ns < 0n ? -ns : ns
  const fraction = (size % 1_000_000_000n).toString().padStart(9, '0').slice(0, digits)
  return `${ns < 0n ? '-' : ''}${size / 1_000_000_000n}.${fraction}`
}

function wall(record: RecordView, { wallOffset }: LineOptions): string {
  if (wallOffset === undefined || record.time === undefined || !record.has(HAS_TS)) return ''
  return `${wallTime(record.time + wallOffset)} `
}
