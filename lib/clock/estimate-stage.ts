/**
 * The estimating mode of tsc-align: what both machines recorded is gathered here, what it says (estimate.ts) becomes an
 * `offset` record. Held are times alone, 8 bytes each, up to a limit; what is beyond is counted and said.
 */
import { CPU, EVENT, HAS_CPU, HAS_PID, HAS_TSC, PID, SRC, VM } from '../assembly/layout.js'
import { BadRecord, type Context, Failure, type Stage, type Summary } from '../cli/tool.js'
import { hopsOf, matches } from '../pairing/hops.js'
import { lossOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { Alignment } from './align.js'
import { type Data, type Estimate, estimate, type Limits, type Used } from './estimate.js'
import { gatherLanes, type Lanes, MAX_EVENTS } from './lanes.js'
import { parseKhz, type Rate } from './machine-clock.js'
import { addMoment, makeThread, stretchesOf, type Thread } from './running.js'
import type { Rule } from './sweep.js'
import { epoch, type Times, times } from './times.js'

export interface EstimateOptions extends Limits {
  /** The host: the src whose events the offset will move. */
  src: string
  /** The guest; undefined: the only other src. */
  to: string | undefined
  forward: readonly string[]
  backward: readonly string[]
  rate: Rate | undefined
  /** pid of a host thread → vCPU, where given. */
  threads: ReadonlyMap<number, number>
}

interface Causal {
  start: string
  end: string
  lanes: Lanes
}

const vcpuId = memberName('vcpu_id')
const vcpu = memberName('vcpu')
const tscKhz = memberName('tsc_khz')

const MAX_LOSSES = 100_000

export function estimateStage(options: EstimateOptions, align: Alignment, context: Context): Stage {
  const host = idOf(options.src)
  let guest = options.to === undefined ? 0 : idOf(options.to)
  const clocks = { host: epoch(), guest: epoch() }
  const threads = new Map<number, Thread | null>()
  const cpus = new Map<number, Times>()
  const losses: [bigint, bigint][] = []
  const forward = causals(options.forward)
  const backward = causals(options.backward)
  const kinds: (Kind | undefined)[] = []
  let held = 0
  let beyond = 0
  let { rate } = options

  function kindOf(event: number): Kind {
    const known = kinds[event]
    if (known) return known
    const name = nameOf(event)
    const bare = name.slice(name.indexOf(':') + 1)
    const among = (list: Causal[], side: 'start' | 'end') => list.filter((causal) => matches(causal[side], name))
    const kind = {
      entry: bare === 'kvm_entry',
      exit: bare === 'kvm_exit',
      forwardStart: among(forward, 'start'),
      forwardEnd: among(forward, 'end'),
      backwardStart: among(backward, 'start'),
      backwardEnd: among(backward, 'end'),
    }
    kinds[event] = kind
    return kind
  }

  function onHost(record: RecordView, kind: Kind): void {
    const time = clocks.host.of(record.row)
    for (const { lanes } of kind.forwardStart) lanes.start(record, time)
    for (const { lanes } of kind.backwardEnd) lanes.end(record, time)
    if (!kind.entry && !kind.exit) return
    const thread = threadOf(record)
    if (thread && room()) addMoment(thread, time, kind.exit)
  }

  function threadOf(record: RecordView): Thread | null {
    if (!record.has(HAS_PID)) return null
    const pid = words[record.row + PID] as number
    const known = threads.get(pid)
    if (known !== undefined) return known
    const said = record.arg(vcpuId) ?? record.arg(vcpu)
    const number = options.threads.get(pid) ?? (options.threads.size === 0 && said !== undefined ? Number(said) : -1)
    const thread = number >= 0 ? makeThread(number, words[record.row + VM] as number) : null
    threads.set(pid, thread)
    return thread
  }

  function onGuest(record: RecordView, kind: Kind): void {
    const time = clocks.guest.of(record.row)
    for (const { lanes } of kind.forwardEnd) lanes.end(record, time)
    for (const { lanes } of kind.backwardStart) lanes.start(record, time)
    if (!record.has(HAS_CPU) || !room()) return
    const cpu = words[record.row + CPU] as number
    const known = cpus.get(cpu)
    if (known) known.push(time)
    else {
      const made = times()
      made.push(time)
      cpus.set(cpu, made)
    }
  }

  function room(): boolean {
    if (held < MAX_EVENTS) held++
    else beyond++
    return held < MAX_EVENTS
  }

  function hear(record: RecordView): void {
    const khz = record.member(tscKhz)
    if (rate !== undefined || khz === undefined || khz === null) return
    try {
      rate = parseKhz(String(khz))
    } catch (error) {
      throw new BadRecord(`tsc_khz: ${(error as Error).message}`)
    }
  }

  function lose(record: RecordView): void {
    const loss = lossOf(record)
    const from = loss.from === undefined ? undefined : align.moved(record, loss.from)
    const to = loss.to === undefined ? undefined : align.moved(record, loss.to)
    if (from !== undefined && to !== undefined && losses.length < MAX_LOSSES) losses.push([from, to])
  }

  return {
    event(record) {
      const src = words[record.row + SRC] as number
      if (src !== host && guest === 0) guest = src
      if (src !== host && src !== guest) {
        if (options.to === undefined)
          throw new Failure(
            `events of ${nameOf(guest)} and of ${nameOf(src)}, beside those of ${options.src}: say --to`,
          )
        return
      }
      if (!record.has(HAS_TSC)) throw new BadRecord(`${record.event} has no tsc; the estimate needs raw cycles`)
      align.inPlace(record)
      const kind = kindOf(words[record.row + EVENT] as number)
      if (src === host) onHost(record, kind)
      else onGuest(record, kind)
    },
    record(record, out) {
      const src = words[record.row + SRC] as number
      if (record.type === 'stream' && src === host) hear(record)
      if (record.type === 'lost' && src === host) lose(record)
      out.pass(record)
    },
    end(out) {
      if (beyond > 0) context.warn(`${beyond} events beyond the limit of what is held are left out`)
      const data: Data = {
        running: runningRules(
          threads,
          cpus,
          losses.map(([from, to]) => [clocks.host.since(from), clocks.host.since(to)]),
          guest,
          context,
        ),
        forward: forward.flatMap(({ lanes }) =>
          lanes.gathered().lanes.map(({ starts, ends }) => ({ host: starts, guest: ends })),
        ),
        backward: backward.flatMap(({ lanes }) =>
          lanes.gathered().lanes.map(({ starts, ends }) => ({ host: ends, guest: starts })),
        ),
        base: BigInt.asIntN(64, clocks.guest.start - clocks.host.start),
      }
      return report(estimate(data, options), data, options, nameOf(guest), rate, out, context)
    },
  }
}

interface Kind {
  entry: boolean
  exit: boolean
  forwardStart: Causal[]
  forwardEnd: Causal[]
  backwardStart: Causal[]
  backwardEnd: Causal[]
}

function causals(events: readonly string[]): Causal[] {
  return events.flatMap((_, i) =>
    i % 2 === 0
      ? hopsOf(events.slice(i, i + 2), false).map(({ start, end }) => ({ start, end, lanes: gatherLanes() }))
      : [],
  )
}

/** Each guest CPU's events with the stretches of each thread that is a vCPU of that number, of this vm where that is known. */
function runningRules(
  threads: ReadonlyMap<number, Thread | null>,
  cpus: ReadonlyMap<number, Times>,
  losses: readonly [number, number][],
  guest: number,
  context: Context,
): Rule[][] {
  const known = [...threads.values()].filter((thread) => thread !== null)
  const rules: Rule[][] = []
  for (const [cpu, gathered] of cpus) {
    const own = known.filter((thread) => thread.vcpu === cpu && (thread.vm === 0 || thread.vm === guest))
    if (own.length === 0) continue
    const events = gathered.sorted()
    rules.push(own.map((thread) => ({ events, stretches: stretchesOf(thread, losses) })))
  }
  if (known.length > 0 && rules.length === 0)
    context.warn(`${whyNoThread(known, guest)}: the rule of kvm_entry and kvm_exit is not used`)
  return rules.sort((a, b) => (b[0] as Rule).events.length - (a[0] as Rule).events.length)
}

/** Threads of another guest, by its name, are not this one's; as often as not only the name is another. */
function whyNoThread(known: readonly Thread[], guest: number): string {
  const others = new Set(known.map(({ vm }) => vm).filter((vm) => vm !== 0 && vm !== guest))
  if (others.size === 0) return 'no guest CPU has a vCPU thread of its number'
  const names = [...others].map((vm) => nameOf(vm)).join(', ')
  return `the vCPU threads are of ${names}, the guest's events of ${nameOf(guest)} (pull --src gives them another name)`
}

function report(
  result: Estimate | string,
  { base }: Data,
  { src }: EstimateOptions,
  to: string,
  rate: Rate | undefined,
  out: Out,
  context: Context,
): Summary {
  if (typeof result === 'string') {
    context.problem(result)
    return { line: 'no estimate' }
  }
  const absolute = (relative: number) => BigInt.asIntN(64, base + BigInt(Math.round(relative)))
  const { low, high, running, forward, backward, pinned, offset } = result
  const width = high - low
  const ns = rate ? Number((BigInt(Math.round(width)) * rate.num) / rate.den) : undefined
  out.write(
    JSON.stringify({
      type: 'offset',
      src,
      to,
      pinned: pinned === null,
      ...(pinned === null
        ? { tsc_offset: String(absolute(offset)), low: String(absolute(low)), high: String(absolute(high)) }
        : { why: pinned }),
      ...(pinned === null ? { width_cycles: width } : {}),
      ...(pinned !== null || ns === undefined ? {} : { width_ns: ns }),
      running: running.used,
      running_violated: running.violated,
      running_outside: running.outside,
      forward: forward.used,
      forward_violated: forward.violated,
      backward: backward.used,
      backward_violated: backward.violated,
    }),
  )
  const counts = `${counted('running', running)}, ${counted('forward', forward)}, ${counted('backward', backward)}`
  if (pinned !== null) {
    context.problem(`the data do not pin the offset: ${pinned}`)
    return { line: `no estimate from ${counts}` }
  }
  const wide = ns === undefined ? `${width} cycles` : `${width} cycles, ${(ns / 1000).toFixed(1)} us`
  return { line: `offset ${absolute(offset)}, between ${absolute(low)} and ${absolute(high)} (${wide}) from ${counts}` }
}

function counted(name: string, { used, violated }: Used): string {
  return `${used} ${name}${violated > 0 ? ` (${violated} violated)` : ''}`
}
