/** An interrupts-off period as a record, and as a line for people. */
import { showDuration } from '../clock/duration.js'
import { seconds } from '../drawing/event-line.js'
import { oneLine } from '../drawing/visible.js'
import { nameOf } from '../wire/names.js'
import type { OffPeriod } from './off.js'

/** `zero`: the time that those of the period are counted from. */
export function offRecord(period: OffPeriod, zero: bigint): object {
  const { src, cpu, certainty, beginAfter, beginBefore, end, evidence, wait, pid, comm } = period
  const time = (at: number) => (zero + BigInt(Math.round(at))).toString()
  return {
    type: 'irq_off',
    src: nameOf(src) || undefined,
    cpu,
    pid,
    comm,
    certainty,
    begin_after_ts: beginAfter === undefined ? undefined : time(beginAfter),
    begin_before_ts: time(beginBefore),
    end_ts: time(end),
    at_least_ns: Math.round(end - beginBefore),
    at_most_ns: beginAfter === undefined ? undefined : Math.round(end - beginAfter),
    evidence: [
      ...(wait
        ? [
            {
              kind: 'interrupt',
              vector: wait.vector,
              accepted_ts: time(wait.accepted),
              waited_ns: Math.round(wait.to - wait.accepted),
              ran_ns: Math.round(wait.ran),
            },
          ]
        : []),
      ...evidence.map(({ kind, function: name, due, late }) => ({
        kind,
        function: name,
        due_ts: time(due),
        late_ns: Math.round(late),
      })),
    ],
  }
}

const columns = [
  ['end(s)', 18],
  ['machine', 8],
  ['cpu', 4],
  ['at least(ms)', 13],
  ['at most(ms)', 12],
] as const

/** Rows are written as they are found, so widths are fixed. */
export const offHead = `${columns.map(([name, width]) => name.padStart(width)).join(' ')}  certainty  evidence\n${columns.map(([, width]) => '-'.repeat(width)).join(' ')}  ---------  --------\n`

export function offLine(period: OffPeriod, zero: bigint): string {
  const { src, cpu, certainty, beginAfter, beginBefore, end } = period
  const cells = [
    seconds(zero + BigInt(Math.round(end)), 9),
    oneLine(nameOf(src)) || 'vCPU',
    String(cpu),
    milliseconds(end - beginBefore),
    beginAfter === undefined ? '?' : milliseconds(end - beginAfter),
  ]
  return `${cells.map((cell, i) => cell.padStart(columns[i]?.[1] ?? 0)).join(' ')}  ${certainty.padEnd(9)}  ${oneLine(evidenceText(period))}\n`
}

function milliseconds(ns: number): string {
  return (ns / 1e6).toFixed(3)
}

function evidenceText({ wait, evidence, comm, pid }: OffPeriod): string {
  const parts: string[] = []
  if (wait)
    parts.push(
      `vector ${wait.vector} waited ${showDuration(Math.round(wait.to - wait.accepted))}, the vCPU ran ${showDuration(Math.round(wait.ran))} of it`,
    )
  for (const { kind, function: name, late } of evidence.slice(0, 3))
    parts.push(`${kind === 'tick' ? 'tick' : name} ${showDuration(Math.round(late))} late`)
  if (evidence.length > 3) parts.push(`${evidence.length - 3} more`)
  if (pid !== undefined) parts.push(`in ${pid === 0 ? 'idle' : `${comm ?? '<...>'}-${pid}`}`)
  return parts.join('; ')
}
