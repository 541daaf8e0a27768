/**
 * An event as a timeline wants it: its time from the pair's start, and the fields that say what a CPU went on to do.
 */
import { eventText } from '../drawing/event-line.js'
import type { RecordView } from '../wire/record.js'
import { harmless } from './texts.js'

export interface Moment {
  at: number
  src: string
  vm: string
  cpu: number | undefined
  pid: number | undefined
  comm: string
  /** Without its system. */
  event: string
  args: Record<string, unknown>
  text: string
}

export function momentOf(record: RecordView, zero: bigint): Moment {
  const { event } = record
  return {
    at: Number((record.time ?? zero) - zero),
    src: record.src,
    vm: record.vm,
    cpu: record.cpu,
    pid: record.pid,
    comm: record.comm ?? '',
    event: event.slice(event.indexOf(':') + 1),
    args: record.args,
    text: harmless(eventText(record)),
  }
}

export function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) ? (number as number) : undefined
}

export function taskName(comm: unknown, pid: number | undefined): string {
  const name = typeof comm === 'string' && comm !== '' ? harmless(comm) : '<...>'
  return pid === undefined ? name : `${name} ${pid}`
}

/**
 * Was a thread that is switched out still runnable? As text `R`, `R+`; in the record TASK_RUNNING is 0, and 0x100 with
 * preemption (include/trace/events/sched.h, __trace_sched_switch_state).
 */
export function stillRunnable(state: unknown): boolean {
  if (typeof state === 'string' && state.startsWith('R')) return true
  const number = integer(state)
  return number !== undefined && (number & 0xff) === 0
}
