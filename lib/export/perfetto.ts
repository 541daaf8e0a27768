/**
 * `export perfetto`: a trace that Perfetto and chrome://tracing open. Written as it is read; held are only the slices
 * that have not ended, the names of threads, and what the tools before it said.
 */
import { HAS_TS } from '../assembly/layout.js'
import { BadRecord, type Context, type Stage } from '../cli/tool.js'
import { shortened } from '../drawing/shortened.js'
import { oneLine } from '../drawing/visible.js'
import type { Members } from '../wire/comment.js'
import { textOf } from '../wire/plain-text.js'
import { memberName, type RecordView } from '../wire/record.js'
import { arrows } from './arrows.js'
import { ofCpu, slices } from './slices.js'
import { traceJson } from './trace-json.js'
import { type Machine, tracks } from './tracks.js'

declare const VERSION: string

const hostname = memberName('hostname')
const errorNs = memberName('error_ns')
const stack = memberName('stack')

/** Summaries and statements about clocks that are kept for the end. */
const MOST_SAID = 1000
const MOST_LENGTH = 1 << 14
/** Of records that are not drawn, named in the statistics. */
const MOST_TYPES = 4

export function perfetto({ keys }: { keys: boolean }, context: Context): Stage {
  const json = traceJson((text) => context.print(text))
  const machines = tracks(json)
  const going = slices(json)
  const withEvents = new Set<Machine>()
  const latencies = arrows(json, machineOf, (machine) => withEvents.has(machine), keys)
  const said: Members[] = []
  const clocks: Members[] = []
  const counts: Counts = { events: 0, pairs: 0, chains: 0, delays: 0, periods: 0, losses: 0, others: 0 }
  const otherTypes = new Set<string>()
  let unsaid = 0

  function keep(list: Members[], record: RecordView): void {
    if (list.length < MOST_SAID && record.line.length <= MOST_LENGTH) list.push(record.members)
    else unsaid++
  }

  function machineOf(src: unknown): Machine {
    const machine = machines.machine(typeof src === 'string' ? src : '')
    if (!machine) throw new BadRecord('more machines than a trace can hold')
    return machine
  }

  const kinds: Record<string, (record: RecordView) => void> = {
    pair(record) {
      latencies.pair(record)
      counts.pairs++
    },
    chain(record) {
      latencies.chain(record)
      counts.chains++
    },
    vcpu_delay(record) {
      latencies.delay(record)
      counts.delays++
    },
    irq_off(record) {
      latencies.off(record)
      counts.periods++
    },
    lost(record) {
      const loss = latencies.lost(record)
      if (loss) going.lost(loss.machine, loss.cpu, loss.at)
      else keep(said, record)
      counts.losses++
    },
    stream(record) {
      const name = record.member(hostname)
      if (typeof name === 'string') machines.hostname(record.src, name)
    },
    clock(record) {
      const [error, at] = [record.member(errorNs), record.time]
      if (typeof error !== 'number' || at === undefined || !record.has(HAS_TS)) return
      const place = machineOf(record.src).cpu(undefined)
      json.put('C', place, { ts: json.at(at) }, { name: 'clock sample, may be off by', args: { ns: error } })
    },
    summary: (record) => keep(said, record),
    check: (record) => keep(clocks, record),
    offset: (record) => keep(clocks, record),
  }

  return {
    event(record) {
      const { time: at } = record
      if (at === undefined || !record.has(HAS_TS))
        throw new BadRecord(`${record.event} has no ts; tsc-align makes times of cycles`)
      const machine = machineOf(record.src)
      counts.events++
      withEvents.add(machine)
      if (going.event(machine, record, at, () => about(record))) return
      const { cpu, pid, comm, event } = record
      const place = ofCpu(event) ? machine.cpu(cpu) : machine.thread(pid, cpu, comm)
      const cat = event.includes(':') ? event.slice(0, event.indexOf(':')) : undefined
      const args = { ts_ns: at.toString(), ...about(record) }
      json.put('i', place, { ts: json.at(at) }, { s: 't', name: event, cat, args })
    },
    record(record) {
      const { type } = record
      const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined
      if (kind) kind(record)
      else if (type !== 'end') {
        counts.others++
        if (otherTypes.size < MOST_TYPES) otherTypes.add(type)
      }
    },
    end() {
      going.end()
      for (const args of clocks) mark(args)
      json.end({
        made_by: `vmpipe export ${VERSION}`,
        base_ts_ns: json.base?.toString(),
        base: 'ts is (ts_ns - base_ts_ns) / 1000, in us',
        ...counts,
        said: said.map(shorter),
        clocks: clocks.map(shorter),
        ...(unsaid > 0 ? { more_than_is_said: unsaid } : {}),
      })
      complain()
      return { line: line(counts, going.counts.slices, otherTypes) }
    },
  }

  /** What is known of a machine's clock stands over all tracks, at the beginning. */
  function mark(args: Members): void {
    const place = machines.machine(typeof args.src === 'string' ? args.src : '')?.cpu(undefined)
    if (place) json.put('i', place, { ts: json.at(json.first) }, { s: 'g', name: clockName(args), cat: 'clock', args })
  }

  function complain(): void {
    const { unordered, crowded } = going.counts
    if (json.outside > 0)
      context.problem(
        `${json.outside} times are before the first day or more than 50 days after it: viewers drop or round them`,
      )
    if (unordered > 0)
      context.problem(
        `${unordered} events are earlier than the one before of their machine, and in no slice; put order before export`,
      )
    if (crowded > 0) context.problem(`${crowded} slices are left out: too many threads at once`)
  }
}

interface Counts {
  events: number
  pairs: number
  chains: number
  delays: number
  periods: number
  losses: number
  others: number
}

function line(counts: Counts, slices: number, otherTypes: ReadonlySet<string>): string {
  const { events, pairs, chains, delays, periods, losses, others } = counts
  const types = [...otherTypes].map((type) => shortened(oneLine(type))).join(' ')
  const parts = [
    many(events, 'event') || '0 events',
    `${slices} slices`,
    many(pairs, 'pair'),
    many(chains, 'chain'),
    many(delays, 'delay of a vCPU', 'delays of vCPUs'),
    many(periods, 'time without interrupts', 'times without interrupts'),
    many(losses, 'loss', 'losses'),
    others > 0 ? `${many(others, 'record')} not drawn (${types})` : '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}

/** What an event says, save its name. */
function about(record: RecordView): Members {
  const { cpu, pid, comm, flags, keyText: key, vm, text, args } = record
  const fields = Object.keys(args).length > 0 ? args : undefined
  const frames = record.json(stack)
  const what = { text, fields, stack: frames === undefined ? undefined : JSON.parse(frames) }
  return { cpu, pid, comm: comm && shortened(comm), flags, key, vm: vm || undefined, ...what }
}

function shorter(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, typeof value === 'string' ? shortened(value) : value]),
  )
}

/** `clocks: host may be off by -26000 to 41000 ns`. */
function clockName({ type, src, to, low_ns, high_ns, width_ns, pinned }: Members): string {
  const said = (value: unknown = '?') => oneLine(shortened(textOf(value)))
  if (type === 'check')
    return `clocks: a correction of ${said(src)} lies between ${said(low_ns)} and ${said(high_ns)} ns`
  if (pinned !== true) return `clocks: the data do not pin ${said(src)}`
  return `clocks: ${said(src)} against ${said(to)} is known to ${said(width_ns)} ns`
}

function many(n: number, what: string, plural = `${what}s`): string {
  return n === 0 ? '' : `${n} ${n === 1 ? what : plural}`
}
