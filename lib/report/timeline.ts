/**
 * A timeline: both machines around one slow pair. The host's CPUs and the threads of its vCPUs come first, then the
 * CPUs of the guests. What was before the first event of a kind is taken from that event: a CPU that switches away
 * from a task ran it before.
 */
import { type Cpu, cpusOf } from './cpus.js'
import { fewer, type Mark, outside, type Segment } from './lane.js'
import type { Moment } from './moment.js'
import { taskName } from './moment.js'
import { IN_GUEST, IN_HOST, type LaneKind, SLEEPING, VCPU_TASK, WAITING } from './page-data.js'
import { type Vcpu, vcpusOf } from './vcpus.js'

export interface Spot {
  src: string
  cpu: number | undefined
  pid: number | undefined
}

export interface Span {
  /** From the pair's start; the pair ends at `delta`. */
  from: number
  to: number
  delta: number
  start: Spot
  end: Spot
}

export interface Lane {
  src: string
  kind: LaneKind
  number: number
  thread: number | undefined
  /** Of a vCPU: its guest, or ''. */
  vm: string
  host: boolean
  segments: Segment[]
  inner: Segment[]
  marks: Mark[]
}

export interface Split {
  vcpu: number
  thread: number
  guest: number
  host: number
  running: number
  waiting: number
  sleeping: number
  instead: [string, number][]
}

export interface Timeline {
  from: number
  to: number
  lanes: Lane[]
  startLane: number
  endLane: number
  events: number
  hidden: number
  split: Split | undefined
}

/** What fits on a screen: CPUs and vCPUs of a machine, machines; segments of a lane. */
const MOST_LANES = 8
const MOST_MACHINES = 6
const MOST_SEGMENTS = 800

/** `moments` in the order of time; those before `span.from` only tell how it began. */
export function timelineOf(moments: readonly Moment[], span: Span, gap?: readonly [number, number]): Timeline {
  const vcpus = vcpusOf(moments)
  const cpus = cpusOf(vcpus.isThread)
  const hosts = new Set(['host', ...vcpus.all.map(({ src }) => src)])
  for (const { src, cpu } of [span.start, span.end]) if (cpu !== undefined) cpus.of(src, cpu)
  let inGap = false
  for (const moment of moments) {
    if (gap && !inGap && moment.at > gap[0]) {
      inGap = true
      for (const { ran } of [...vcpus.all, ...cpus.all]) ran.forget(...gap)
    }
    vcpus.take(moment)
    cpus.take(moment)
  }
  const lanes = [
    ...cpus.all.map((cpu) => cpuLane(cpu, span, hosts.has(cpu.src))),
    ...vcpus.all.map((vcpu) => vcpuLane(vcpu, span)),
  ].sort(byPlace)
  // a lane of which the first is heard after the gap
  if (gap) for (const lane of lanes) lane.segments = outside(lane.segments, gap)
  const split = splitOf(lanes, span)
  mark(
    lanes,
    moments.filter(({ at }) => at >= span.from && at <= span.to),
  )
  const shown = chosen(lanes, span, split)
  return {
    from: span.from,
    to: span.to,
    lanes: shown,
    startLane: laneOf(shown, span.start),
    endLane: laneOf(shown, span.end),
    events: lanes.reduce((sum, { marks }) => sum + marks.length, 0),
    hidden: lanes.length - shown.length,
    split,
  }
}

function cpuLane({ src, number, ran, interrupts }: Cpu, { from, to }: Span, host: boolean): Lane {
  const inner = interrupts
    .filter((segment) => segment.to > from && segment.from < to)
    .map((segment) => ({ ...segment, from: Math.max(from, segment.from), to: Math.min(to, segment.to) }))
  const segments = ran.between(from, to)
  const none = { thread: undefined, vm: '', marks: [] }
  return { src, kind: 'cpu', number, host, segments, inner: fewer(inner, MOST_SEGMENTS), ...none }
}

function vcpuLane({ src, number, thread, vm, ran }: Vcpu, { from, to }: Span): Lane {
  return { src, kind: 'vcpu', number, thread, vm, host: true, segments: ran.between(from, to), inner: [], marks: [] }
}

function byPlace(a: Lane, b: Lane): number {
  if (a.host !== b.host) return a.host ? -1 : 1
  if (a.src !== b.src) return a.src < b.src ? -1 : 1
  if (a.kind !== b.kind) return a.kind === 'cpu' ? -1 : 1
  return a.number - b.number || (a.thread ?? 0) - (b.thread ?? 0)
}

function laneOf(lanes: readonly Lane[], { src, cpu }: Spot): number {
  return lanes.findIndex((lane) => lane.kind === 'cpu' && lane.src === src && lane.number === cpu)
}

/** Events stand on the lane of their vCPU thread, else on that of their CPU. */
function mark(lanes: readonly Lane[], moments: readonly Moment[]): void {
  const byThread = new Map(lanes.map((lane) => [`${lane.thread} ${lane.src}`, lane]))
  const byCpu = new Map(lanes.filter(({ kind }) => kind === 'cpu').map((lane) => [`${lane.number} ${lane.src}`, lane]))
  for (const { at, src, cpu, pid, comm, event, text } of moments) {
    const lane = (pid && event !== 'sched_switch' && byThread.get(`${pid} ${src}`)) || byCpu.get(`${cpu} ${src}`)
    lane?.marks.push({ at, event, task: taskName(comm, pid), text })
  }
}

/** The pair's own lanes, the vCPU that it waited for, then those on which most happened. */
function chosen(lanes: readonly Lane[], { start, end }: Span, split: Split | undefined): Lane[] {
  const own = [laneOf(lanes, start), laneOf(lanes, end)]
  const weight = (lane: Lane, i: number) =>
    own.includes(i) || (split && lane.thread === split.thread) ? Number.MAX_SAFE_INTEGER : lane.marks.length
  const ranked = lanes.map((lane, i) => ({ lane, weight: weight(lane, i) })).sort((a, b) => b.weight - a.weight)
  const counts = new Map<string, number>()
  const machines = new Set<string>()
  const kept = new Set<Lane>()
  for (const { lane } of ranked) {
    const id = `${lane.kind} ${lane.src}`
    const count = counts.get(id) ?? 0
    if (count >= MOST_LANES || (!machines.has(lane.src) && machines.size >= MOST_MACHINES)) continue
    machines.add(lane.src)
    counts.set(id, count + 1)
    kept.add(lane)
  }
  return lanes
    .filter((lane) => kept.has(lane))
    .map((lane) => ({ ...lane, segments: fewer(lane.segments, MOST_SEGMENTS) }))
}

/** How the vCPU on which a guest saw the end spent the time. Where two guests have one of that number, it is not known. */
function splitOf(lanes: readonly Lane[], { delta, end }: Span): Split | undefined {
  if (lanes.some(({ src, host }) => host && src === end.src)) return undefined
  const [vcpu, ...others] = lanes.filter(
    (lane) => lane.kind === 'vcpu' && lane.number === end.cpu && (lane.vm === '' || lane.vm === end.src),
  )
  if (!vcpu || others.length > 0) return undefined
  const during = (state: number) =>
    vcpu.segments
      .filter((segment) => segment.state === state)
      .reduce((sum, segment) => sum + overlap(segment, 0, delta), 0)
  return {
    vcpu: vcpu.number,
    thread: vcpu.thread ?? 0,
    guest: during(IN_GUEST),
    host: during(IN_HOST),
    running: during(VCPU_TASK),
    waiting: during(WAITING),
    sleeping: during(SLEEPING),
    instead: insteadOf(vcpu, lanes, delta),
  }
}

/** What ran on the CPU for which it waited, longest first. */
function insteadOf(vcpu: Lane, lanes: readonly Lane[], delta: number): [string, number][] {
  const ran = new Map<string, number>()
  for (const waiting of vcpu.segments) {
    if (waiting.state !== WAITING) continue
    const cpu = lanes.find(({ kind, src, number }) => kind === 'cpu' && src === vcpu.src && number === waiting.cpu)
    for (const segment of cpu?.segments ?? []) {
      const time = overlap(segment, Math.max(0, waiting.from), Math.min(delta, waiting.to))
      if (time > 0) ran.set(segment.text, (ran.get(segment.text) ?? 0) + time)
    }
  }
  return [...ran].sort((a, b) => b[1] - a[1]).slice(0, 3)
}

function overlap(segment: Segment, from: number, to: number): number {
  return Math.max(0, Math.min(segment.to, to) - Math.max(segment.from, from))
}
