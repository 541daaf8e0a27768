/**
 * Styles of histo's tables. perf-prof's puts labels to the left, under the heads that it has for them, with the widths
 * it gives them, and a line with the time before each table; scripts read that.
 */
import { seconds } from '../drawing/event-line.js'
import { wallTime } from '../drawing/wall-time.js'
import type { LabelHead } from './latency-table.js'

export type Style = 'vmpipe' | 'perf-prof'

interface Own {
  head: string
  width: number
}

const perfProf: Record<string, Own> = {
  cpu: { head: 'CPU', width: 3 },
  start_cpu: { head: 'CPU', width: 3 },
  comm: { head: 'comm', width: 16 },
  state: { head: 'St', width: 2 },
  exit_name: { head: 'exit_reason', width: 20 },
  exit_reason: { head: 'exit_reason', width: 20 },
  syscall: { head: 'syscalls', width: 20 },
  syscall_arm64: { head: 'syscalls', width: 20 },
}

/** A thread stands under THREAD in the table of start => end, under thread in the others. */
const thread = /^(pid|start_pid|end_pid)$/

export function labelHeads(style: Style, labels: readonly { name: string }[], names: boolean): LabelHead[] {
  return labels.map(({ name }) => {
    if (style === 'vmpipe') return { head: name, left: false, width: 0 }
    if (thread.test(name)) return { head: names ? 'THREAD' : 'thread', left: true, width: 6 }
    const own = Object.hasOwn(perfProf, name) ? perfProf[name] : undefined
    return { head: own?.head ?? name, left: true, width: own?.width ?? 3 }
  })
}

/** The line with the time before a table. `offset`: of the wall clock, where the stream told it. */
export function timeLine(style: Style, time: bigint, offset: bigint | undefined): string {
  if (style === 'vmpipe') return `until ${seconds(time, 9)} s\n`
  return `${offset === undefined ? seconds(time, 6) : wallTime(time + offset)}\n`
}
