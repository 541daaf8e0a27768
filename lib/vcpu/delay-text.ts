/** Delays of vCPUs, as records and for people. */

import { showDuration } from '../clock/duration.js'
import { seconds } from '../drawing/event-line.js'
import { type Column, textTable } from '../drawing/text-table.js'
import { oneLine } from '../drawing/visible.js'
import type { Histogram } from '../statistics/histogram.js'
import { exactThousandths, perUnit, type TimeUnit } from '../statistics/time-text.js'
import { nameOf } from '../wire/names.js'
import type { Share } from './runqueue.js'
import type { GuestRow, RanRow, Totals, VcpuDelay, VcpuRow } from './totals.js'
import type { GuestTask, VcpuThread } from './vcpus.js'

/** `zero`: the time that those of the delay are counted from. */
export function delayRecord(
  { thread, guest, start, end, cause, cpu, ran, waker }: VcpuDelay,
  host: string,
  zero: bigint,
) {
  return {
    type: 'vcpu_delay',
    src: host,
    vm: nameOf(thread.vm) || undefined,
    vcpu: thread.vcpu,
    pid: thread.pid,
    cpu,
    cause,
    waker,
    start_ts: (zero + BigInt(start)).toString(),
    end_ts: (zero + BigInt(end)).toString(),
    delta_ns: end - start,
    ran: ran.map(({ pid, comm, prio, ns }) => ({ ...(pid < 0 ? {} : { pid }), comm, prio, ns })),
    guest: guest && { src: nameOf(guest.src), cpu: guest.cpu, pid: guest.pid, comm: guest.comm },
  }
}

export function tables(totals: Totals, unit: TimeUnit): string {
  const vcpus = totals.vcpus()
  if (vcpus.length === 0) return 'no vCPU was runnable without running\n'
  const ran = totals.ran()
  const all = ran.reduce((sum, { ns }) => sum + BigInt(ns), 0n)
  return [
    'vCPUs that were runnable and did not run:\n\n',
    textTable(vcpuColumns(unit), vcpus),
    '\nWho ran on their CPU instead:\n\n',
    textTable(ranColumns(unit, all), some(ran)),
    more(ran),
    '\nThe task that the guest had on the vCPU:\n\n',
    textTable(guestColumns(unit), some(totals.guests())),
    more(totals.guests()),
  ].join('')
}

const SHOWN = 20

function some<T>(rows: T[]): T[] {
  return rows.slice(0, SHOWN)
}

function more(rows: unknown[]): string {
  return rows.length > SHOWN ? `and ${rows.length - SHOWN} more\n` : ''
}

function vcpuName({ vm, vcpu }: VcpuThread): string {
  return vm === 0 ? String(vcpu) : `${nameOf(vm)} ${vcpu}`
}

function guestTask({ pid, comm }: GuestTask): string {
  return pid === 0 ? 'idle' : task(pid, comm)
}

function task(pid: number, comm: string): string {
  return pid < 0 ? comm : `${comm}-${pid}`
}

type Figure = [string, (histogram: Histogram) => bigint]

function figures<Row extends { delays: Histogram }>(unit: TimeUnit, names: string[]): Column<Row>[] {
  const all: Figure[] = [
    ['total', ({ total }) => total],
    ['p50', (histogram) => BigInt(histogram.percentile(50))],
    ['p95', (histogram) => BigInt(histogram.percentile(95))],
    ['p99', (histogram) => BigInt(histogram.percentile(99))],
    ['max', ({ max }) => BigInt(max)],
  ]
  return all
    .filter(([name]) => names.includes(name))
    .map(([name, of]) => ({
      head: `${name}(${unit})`,
      right: true,
      of: ({ delays }) => exactThousandths(of(delays), perUnit[unit]),
    }))
}

function vcpuColumns(unit: TimeUnit): Column<VcpuRow>[] {
  return [
    { head: 'vCPU', right: true, of: ({ thread }) => vcpuName(thread) },
    { head: 'thread', right: true, of: ({ thread }) => thread.pid },
    { head: 'delays', right: true, of: ({ delays }) => delays.calls },
    { head: 'preempted', right: true, of: ({ preempted }) => preempted },
    ...figures<VcpuRow>(unit, ['total', 'p50', 'p95', 'p99', 'max']),
  ]
}

function ranColumns(unit: TimeUnit, all: bigint): Column<RanRow>[] {
  return [
    { head: 'task', of: ({ pid, comm }) => (pid === 0 ? 'nobody (idle)' : task(pid, comm)) },
    { head: 'prio', right: true, of: ({ prio }) => prio },
    { head: 'delays', right: true, of: ({ delays }) => delays },
    { head: `total(${unit})`, right: true, of: ({ ns }) => exactThousandths(BigInt(ns), perUnit[unit]) },
    { head: 'share', right: true, of: ({ ns }) => percent(ns, Number(all)) },
  ]
}

function guestColumns(unit: TimeUnit): Column<GuestRow>[] {
  return [
    { head: 'vCPU', right: true, of: ({ thread }) => vcpuName(thread) },
    { head: 'task', of: ({ guest }) => (guest ? guestTask(guest) : 'not known') },
    { head: 'delays', right: true, of: ({ delays }) => delays.calls },
    ...figures<GuestRow>(unit, ['total', 'p50', 'max']),
  ]
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)}%`
}

/** A delay and its context, in two lines. */
export function worstText(delay: VcpuDelay, zero: bigint): string {
  const { thread, guest, start, end, cause, cpu, ran, waker } = delay
  const at = (time: number) => seconds(zero + BigInt(time), 9)
  const why =
    cause === 'woken' ? `woken${waker === undefined ? '' : ` in ${task(waker.pid, waker.comm)}`}` : 'preempted'
  const of = guest
    ? guest.pid === 0
      ? ', the guest was idle on it'
      : `, the guest had ${task(guest.pid, guest.comm)} on it`
    : ''
  const head = `${showDuration(end - start).padStart(12)}  vCPU ${vcpuName(thread)} (thread ${thread.pid}), ${why}, ${at(start)} ... ${at(end)}${of}`
  const parts = ran.slice(0, 4).map((share) => shareText(share, end - start))
  const rest = ran.length > 4 ? [`${ran.length - 4} more`] : []
  return `${oneLine(head)}\n${' '.repeat(14)}${oneLine(`on CPU ${cpu} ran ${[...parts, ...rest].join(', ')}`)}\n`
}

function shareText({ pid, comm, prio, ns }: Share, of: number): string {
  const who = pid === 0 ? 'nobody' : `${task(pid, comm)}${prio === undefined ? '' : ` (prio ${prio})`}`
  return `${who} ${showDuration(ns)} ${percent(ns, of)}`
}
