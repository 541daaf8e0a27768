/**
 * The fields of function_graph's events. In the ring buffer an exit has calltime and rettime, of the kernel's local
 * clock in ns whatever the trace clock is (trace_clock_local() in kernel/trace/fgraph.c); text has duration_ns.
 */
import { BadRecord } from '../cli/tool.js'
import { timeOf } from '../wire/lost.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'
import type { Exit, Place } from './calls.js'

const func = memberName('func')
const depth = memberName('depth')
const duration = memberName('duration_ns')
const calltime = memberName('calltime')
const rettime = memberName('rettime')
const switchNames = ['prev_comm', 'prev_pid', 'next_comm', 'next_pid'].map(memberName)

export function entryOf(record: RecordView): { func: string; depth: number } {
  const name = record.arg(func)
  if (name === undefined || name === null || name === '') throw new BadRecord('no func: which function is entered?')
  return { func: String(name), depth: depthOf(record) }
}

function depthOf(record: RecordView): number {
  const value = record.arg(depth)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new BadRecord('no depth')
  return value
}

export function exitOf(record: RecordView): Exit {
  const name = record.arg(func)
  const start = timeOf(record.arg(calltime))
  return {
    func: name === undefined || name === null ? undefined : String(name),
    depth: depthOf(record),
    duration: durationOf(record.arg(duration), start, timeOf(record.arg(rettime))),
    start,
  }
}

function durationOf(told: Scalar | undefined, from: bigint | undefined, to: bigint | undefined): number | undefined {
  const ns = told === undefined && from !== undefined && to !== undefined ? to - from : told
  const number = typeof ns === 'number' || typeof ns === 'bigint' || typeof ns === 'string' ? Number(ns) : Number.NaN
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** Who runs next, and how the outline says it. */
export function switchOf(record: RecordView, place: Place): { next: Place; text: string } {
  const [prevComm, prevPid, comm, pid] = switchNames.map((name) => record.arg(name))
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 0) throw new BadRecord('no next_pid')
  const next = { ...place, pid, comm: typeof comm === 'string' ? comm : undefined }
  return { next, text: `${prevComm ?? '<...>'}-${prevPid ?? '?'} => ${comm ?? '<...>'}-${pid}` }
}
