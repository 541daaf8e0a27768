/**
 * Slices: what a CPU, a thread or a vCPU did from one event to another.
 *
 *     CPU 0       |  vhost-289  |     l2sh                    | ... |   sched_switch to sched_switch
 *     CPU 0/KVM   |  runnable .................... | running  |         switched out in state R, switched in
 *                                                    | guest |          kvm_entry to kvm_exit
 *
 * The slices of a track nest: what ends ends all that began within. Nothing is guessed: what began before the
 * recording, or before a loss, has no slice; what a loss or the end of the recording cut off says so (`cut`).
 */
import type { Members } from '../wire/comment.js'
import { textOf } from '../wire/plain-text.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { Place, TraceJson } from './trace-json.js'
import { isCpu, type Machine } from './tracks.js'

export interface Slices {
  /** True where the event begins or ends a slice, which shows it. */
  event(machine: Machine, record: RecordView, at: bigint, about: () => Members): boolean
  /** What was going on then is not known any more. */
  lost(machine: Machine, cpu: number | undefined, at: bigint): void
  end(): void
  readonly counts: { slices: number; unordered: number; crowded: number }
}

interface Open {
  kind: string
  name: string
  from: bigint
  args: Members
}

interface Track {
  place: Place
  open: Open[]
}

interface Span {
  kind: string
  begins: boolean
  on: 'cpu' | 'thread'
  name(record: RecordView): string
}

/** Tracks on which something is going on: a machine has far fewer threads. */
const MOST_TRACKS = 65_536

const field = (name: string) => {
  const member = memberName(name)
  return (record: RecordView) => record.arg(member)
}
const [prevPid, prevComm, prevState] = [field('prev_pid'), field('prev_comm'), field('prev_state')]
const [nextPid, nextComm, nextPrio] = [field('next_pid'), field('next_comm'), field('next_prio')]
const [wokenPid, wokenComm] = [field('pid'), field('comm')]
const [irq, irqName, vec, action, vcpu] = ['irq', 'name', 'vec', 'action', 'vcpu_id'].map(field)

/** Those that are known, with blanks between. */
export const words = (...parts: unknown[]) =>
  parts.flatMap((part) => (part === undefined ? [] : textOf(part))).join(' ')

function span(kind: string, on: Span['on'], name: Span['name']): [begins: Span, ends: Span] {
  const part = { kind, on, name }
  return [
    { ...part, begins: true },
    { ...part, begins: false },
  ]
}
const [irqEntry, irqExit] = span('irq', 'cpu', (record) => words('irq', irq?.(record), irqName?.(record)))
const [softirqEntry, softirqExit] = span('softirq', 'cpu', (record) =>
  words('softirq', action?.(record) ?? vec?.(record)),
)
const [kvmEntry, kvmExit] = span('guest', 'thread', (record) => words('in the guest, vCPU', vcpu?.(record) ?? '?'))

const spans = new Map<string, Span>([
  ['irq_handler_entry', irqEntry],
  ['irq_handler_exit', irqExit],
  ['softirq_entry', softirqEntry],
  ['softirq_exit', softirqExit],
  ['kvm_entry', kvmEntry],
  ['kvm_exit', kvmExit],
])
const wakes = new Set(['sched_waking', 'sched_wakeup', 'sched_wakeup_new'])

/** `irq:irq_handler_entry` is `irq_handler_entry`. */
export function bareName(event: string): string {
  return event.slice(event.indexOf(':') + 1)
}

/** An event of the CPU, not of the thread it came in. */
export function ofCpu(event: string): boolean {
  const bare = bareName(event)
  return bare === 'sched_switch' || spans.get(bare)?.on === 'cpu'
}

/** 0 is TASK_RUNNING; above the low 8 bits stands TASK_REPORT_MAX, which says preempted (include/trace/events/sched.h). */
function runnable(state: unknown): boolean {
  return /^\d+$/.test(String(state)) ? (Number(state) & 0xff) === 0 : String(state).startsWith('R')
}

export function slices(json: TraceJson): Slices {
  const tracks = new Map<number, Track>()
  const last = new Map<Machine, bigint>()
  const counts = { slices: 0, unordered: 0, crowded: 0 }

  function begin(place: Place, open: Open): void {
    const known = tracks.get(place.tid)
    if (known) known.open.push(open)
    else if (tracks.size >= MOST_TRACKS) counts.crowded++
    else tracks.set(place.tid, { place, open: [open] })
  }

  function put({ place }: Track, { kind, name, from, args }: Open, at: bigint, more: Members): void {
    const end = at > from ? at : from
    const times = { ts: json.at(from), dur: json.duration(end - from) }
    json.put('X', place, times, { name, cat: kind, args: { ts_ns: from.toString(), ...args, ...more } })
    counts.slices++
  }

  /** Ends the slice at `depth` of a track, and what began within. */
  function close(track: Track, depth: number, at: bigint, more: Members, cut: string): void {
    while (track.open.length > depth) {
      const open = track.open.pop() as Open
      put(track, open, at, track.open.length === depth ? more : { cut })
    }
    if (depth === 0) tracks.delete(track.place.tid)
  }

  function closeAll(place: Place, at: bigint, more: Members): void {
    const track = tracks.get(place.tid)
    if (track) close(track, 0, at, more, 'what it came in ended')
  }

  function switched(machine: Machine, record: RecordView, at: bigint): boolean {
    const [from, to, { cpu }] = [prevPid(record), nextPid(record), record]
    if (cpu === undefined || typeof from !== 'number' || typeof to !== 'number') return false
    const place = machine.cpu(cpu)
    const ran = tracks.get(place.tid)?.open[0]?.args.pid
    const state = { prev_state: prevState(record) }
    closeAll(place, at, ran === undefined || ran === from ? state : { cut: `${from} was switched out` })
    if (from > 0) {
      const thread = machine.thread(from, cpu, comm(prevComm(record)))
      closeAll(thread, at, state)
      if (runnable(state.prev_state))
        begin(thread, { kind: 'runnable', name: 'runnable', from: at, args: { cpu, ...state } })
    }
    if (to > 0) {
      const thread = machine.thread(to, cpu, comm(nextComm(record)))
      const args = { cpu, pid: to, prio: nextPrio(record) }
      closeAll(thread, at, {})
      begin(thread, { kind: 'running', name: `running on ${cpu}`, from: at, args })
      begin(place, { kind: 'running', name: `${nextComm(record) ?? '<...>'} ${to}`, from: at, args })
    }
    return true
  }

  function woken(machine: Machine, record: RecordView, at: bigint): boolean {
    const pid = wokenPid(record)
    if (typeof pid !== 'number' || pid <= 0) return false
    const place = machine.thread(pid, undefined, comm(wokenComm(record)))
    if (!tracks.has(place.tid))
      begin(place, { kind: 'runnable', name: 'runnable', from: at, args: { woken_by: record.pid } })
    // who wakes is shown as well, by an instant
    return false
  }

  function spanned(
    { kind, begins, on, name }: Span,
    machine: Machine,
    record: RecordView,
    at: bigint,
    about: () => Members,
  ) {
    const place = on === 'cpu' ? machine.cpu(record.cpu) : machine.thread(record.pid, record.cpu, record.comm)
    if (on === 'cpu' ? record.cpu === undefined : !record.pid) return false
    const track = tracks.get(place.tid)
    const depth = track?.open.findLastIndex((open) => open.kind === kind) ?? -1
    if (begins) {
      // a second entry: the exit between is missing
      if (track && depth >= 0) close(track, depth, at, { cut: 'it began again' }, 'what it came in ended')
      begin(place, { kind, name: name(record), from: at, args: about() })
      return true
    }
    if (!track || depth < 0) return false
    close(track, depth, at, { end: about() }, 'what it came in ended')
    return true
  }

  return {
    counts,
    event(machine, record, at, about) {
      const before = last.get(machine)
      if (before !== undefined && at < before) {
        counts.unordered++
        return false
      }
      last.set(machine, at)
      const bare = bareName(record.event)
      if (bare === 'sched_switch') return switched(machine, record, at)
      if (wakes.has(bare)) return woken(machine, record, at)
      const found = spans.get(bare)
      return found ? spanned(found, machine, record, at, about) : false
    },
    lost(machine, cpu, at) {
      for (const track of [...tracks.values()]) {
        const { place } = track
        // a thread may have been on that CPU meanwhile
        const other = isCpu(place) && cpu !== undefined && place.tid !== machine.cpu(cpu).tid
        if (place.pid === machine.pid && !other) close(track, 0, at, { cut: 'events are lost' }, 'events are lost')
      }
    },
    end() {
      const ends = new Map([...last].map(([{ pid }, at]) => [pid, at]))
      const cut = 'the recording ended'
      for (const track of [...tracks.values()]) close(track, 0, ends.get(track.place.pid) ?? 0n, { cut }, cut)
    },
  }
}

function comm(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
