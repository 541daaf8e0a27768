/**
 * Latencies as elements of a trace: a pair is an asynchronous slice of the machine it began on, and an arrow from its
 * start to its end; a chain the same with a slice for each stage, and an arrow through all of them; a loss, a vCPU that
 * waited for a CPU, and a time without interrupts are slices without an arrow.
 */
import { BadRecord } from '../cli/tool.js'
import { shortened } from '../drawing/shortened.js'
import type { Members } from '../wire/comment.js'
import { lossOf, timeOf } from '../wire/lost.js'
import { textOf } from '../wire/plain-text.js'
import type { RecordView } from '../wire/record.js'
import { bareName, ofCpu, words } from './slices.js'
import type { Place, TraceJson } from './trace-json.js'
import type { Machine } from './tracks.js'

/** One end of a latency. */
interface Point {
  machine: Machine
  event: string
  at: bigint
  cpu: number | undefined
  pid: number | undefined
}

export interface Arrows {
  pair(record: RecordView): void
  chain(record: RecordView): void
  /** What vcpu-delay(1) found. */
  delay(record: RecordView): void
  /** What irq-off(1) found, from where the interrupts are off for certain. */
  off(record: RecordView): void
  /** Answers where the loss begins, on which machine. */
  lost(record: RecordView): { machine: Machine; cpu: number | undefined; at: bigint } | undefined
}

/** `machineOf` throws BadRecord where there are too many; `drawn`: the events of a machine are in the trace. */
export function arrows(
  json: TraceJson,
  machineOf: (src: unknown) => Machine,
  drawn: (machine: Machine) => boolean,
  keys: boolean,
): Arrows {
  let id = 0

  const next = () => `0x${(++id).toString(16)}`

  function slice(place: Place, from: bigint, to: bigint, cat: string, of: string, name: string, args: Members) {
    json.put('b', place, { ts: json.at(from) }, { name, cat, id: of, args })
    json.put('e', place, { ts: json.at(to) }, { name, cat, id: of })
  }

  /** The arrow, with something to hold on to where the events themselves are not in the trace. */
  function arrow(points: readonly Point[], cat: string, of: string): void {
    for (const [i, point] of points.entries()) {
      const place = placeOf(point)
      const ts = json.at(point.at)
      if (!drawn(point.machine))
        json.put('i', place, { ts }, { s: 't', name: point.event, args: { ts_ns: point.at.toString() } })
      const ph = i === 0 ? 's' : i === points.length - 1 ? 'f' : 't'
      json.put(ph, place, { ts }, { name: cat, cat, id: of, ...(ph === 'f' ? { bp: 'e' } : {}) })
    }
  }

  function pointOf(members: Members, event: unknown, src: unknown, at: bigint, cpu: unknown, pid: unknown): Point {
    const small = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined)
    return { machine: machineOf(src ?? members.src), event: textOf(event), at, cpu: small(cpu), pid: small(pid) }
  }

  return {
    pair(record) {
      const { type: _type, ...members } = record.members
      const [from, to] = span(members, 'pair')
      const { start, end, key, vm } = members
      const points = [
        pointOf(members, start, members.start_src, from, members.start_cpu, members.start_pid),
        pointOf(members, end, members.end_src, to, members.end_cpu, members.end_pid),
      ] as const
      const of = next()
      const path = `${bareName(textOf(start))} => ${bareName(textOf(end))}`
      const suffix = keys && key !== undefined ? ` ${vm === undefined ? '' : `${textOf(vm)}/`}${textOf(key)}` : ''
      slice(placeOf(points[0]), from, to, 'pair', of, `${path}${suffix}`, members)
      arrow(points, 'pair', of)
    },
    chain(record) {
      const { type: _type, stages, ...members } = record.members
      const [from, to] = span(members, 'chain')
      const came = (Array.isArray(stages) ? stages : []).filter((stage) => timeOf(stage?.ts) !== undefined)
      const points = came.map((stage) =>
        pointOf(members, stage.event ?? stage.stage, stage.src ?? '', timeOf(stage.ts) as bigint, stage.cpu, stage.pid),
      )
      const [first] = points
      if (!first) throw new BadRecord('the chain has no stages with a ts')
      const of = next()
      const place = placeOf(first)
      json.put('b', place, { ts: json.at(from) }, { name: members.path, cat: 'chain', id: of, args: members })
      for (const [i, { at }] of points.entries())
        if (i > 0) slice(place, (points[i - 1] as Point).at, at, 'chain', of, came[i].stage, came[i])
      json.put('e', place, { ts: json.at(to) }, { name: members.path, cat: 'chain', id: of })
      if (points.length > 1) arrow(points, 'chain', of)
    },
    delay(record) {
      const { type: _type, ...members } = record.members
      const [from, to] = span(members, 'vcpu_delay')
      const { vm, vcpu, cause } = members
      const name = `vCPU ${shortened(words(vm, vcpu ?? '?', cause, 'and not run'))}`
      slice(machineOf(record.src).thread(record.pid, record.cpu), from, to, 'vcpu_delay', next(), name, members)
    },
    off(record) {
      const { type: _type, ...members } = record.members
      const [from, to] = span({ ...members, start_ts: members.begin_before_ts }, 'irq_off')
      const name = shortened(words('interrupts off', members.certainty))
      slice(machineOf(record.src).cpu(record.cpu), from, to, 'irq_off', next(), name, members)
    },
    lost(record) {
      const { cpu, count, from, to } = lossOf(record)
      const machine = machineOf(record.src)
      const { type: _type, ...args } = record.members
      const name = `lost ${count ?? 'an unknown number of'} events${cpu === undefined ? '' : ` of CPU ${cpu}`}`
      const at = from ?? to
      if (at === undefined) return undefined
      if (from !== undefined && to !== undefined && to >= from)
        slice(machine.cpu(cpu), from, to, 'lost', next(), name, args)
      else json.put('i', machine.cpu(cpu), { ts: json.at(at) }, { s: 'p', name, cat: 'lost', args })
      return { machine, cpu, at }
    },
  }
}

function span(members: Members, what: string): [from: bigint, to: bigint] {
  const [from, to] = [timeOf(members.start_ts), timeOf(members.end_ts)]
  if (from === undefined || to === undefined)
    throw new BadRecord(`the ${what} has no start_ts and end_ts; tsc-align makes times of cycles`)
  if (to < from) throw new BadRecord(`the ${what} ends before it starts`)
  return [from, to]
}

function placeOf({ machine, event, cpu, pid }: Point): Place {
  return ofCpu(event) ? machine.cpu(cpu) : machine.thread(pid, cpu)
}
