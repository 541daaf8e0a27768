/**
 * The slowest pairs of each path, and what went on around them.
 *
 * Whether a pair is among them is known only at the end, and what was around it only while it is recent. So each that
 * is among them so far gets its timeline as soon as its stretch of time is over, from the ring of recent events.
 */

import { HAS_TSC, TIME } from '../assembly/layout.js'
import type { LatencyRow } from '../statistics/series.js'
import { before } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import { recent } from '../wire/recent.js'
import { memberName, type RecordView } from '../wire/record.js'
import { type Moment, momentOf } from './moment.js'
import { type Span, type Spot, type Timeline, timelineOf } from './timeline.js'

export interface Slow {
  row: LatencyRow
  start: bigint
  delta: number
  from: Spot
  to: Spot
  timeline: Timeline | undefined
  /** What was before was no longer held; what is left out in the middle. */
  cut: number | undefined
  gap: [number, number] | undefined
}

interface Waiting extends Slow {
  since: bigint
  until: bigint
}

export interface Around {
  before: bigint
  after: bigint
}

export interface Slowest {
  event(record: RecordView): void
  pair(record: RecordView, row: LatencyRow, delta: number): void
  /** Slowest first. */
  result(): Slow[]
}

/** Bytes of events that are held, and how many events a timeline is made of. */
const HELD = 1 << 24
const MOST_MOMENTS = 20_000

const startSrc = memberName('start_src')
const endSrc = memberName('end_src')
const startCpu = memberName('start_cpu')
const endCpu = memberName('end_cpu')
const startPid = memberName('start_pid')
const endPid = memberName('end_pid')

/** `around`: how much of the time before and after is shown; undefined: a quarter of the latency. */
export function slowest(most: number, around: Around | undefined): Slowest {
  const events = recent(HELD)
  const paths = new Map<string, Waiting[]>()
  let waiting: Waiting[] = []
  /** When the first of them is over. */
  let next: { high: number; low: number } | undefined

  function among(slow: Waiting): boolean {
    return paths.get(pathOf(slow.row))?.includes(slow) === true
  }

  function wait(until: bigint): void {
    const [high, low] = [Number(BigInt.asIntN(64, until) >> 32n), Number(BigInt.asIntN(32, until))]
    if (!next || before(high, low, next.high, next.low)) next = { high, low }
  }

  /** Those whose stretch is over by this time (all, where there is none) get their timelines. */
  function settle(time: bigint | undefined): void {
    const over = waiting.filter(({ until }) => time === undefined || until < time)
    waiting = waiting.filter(({ until }) => time !== undefined && until >= time)
    next = undefined
    for (const { until } of waiting) wait(until)
    for (const slow of over) if (among(slow)) draw(slow)
  }

  /** Slots, in the order of time. */
  function heldBetween(since: bigint, until: bigint): number[] {
    const found: number[] = []
    for (const slot of events.held()) if (events.time(slot) >= since && events.time(slot) <= until) found.push(slot)
    return found.sort((a, b) => (events.time(a) < events.time(b) ? -1 : events.time(a) > events.time(b) ? 1 : 0))
  }

  function draw(slow: Waiting): void {
    const { since, until, start, delta } = slow
    // as much again before it tells what was going on when it began
    const kept = heldBetween(since - (until - since), until)
    const first = kept[0]
    if (first === undefined || !kept.some((slot) => events.time(slot) >= since)) return
    if (events.forgotten !== undefined && events.forgotten >= since) slow.cut = Number(events.time(first) - start)
    const half = MOST_MOMENTS / 2
    const ends = kept.length > MOST_MOMENTS ? [...kept.slice(0, half), ...kept.slice(-half)] : kept
    const moments = ends.map((slot): Moment => momentOf(events.view(slot), start))
    if (ends !== kept) slow.gap = [(moments[half - 1] as Moment).at, (moments[half] as Moment).at]
    const span: Span = {
      from: Number(since - start),
      to: Number(until - start),
      delta,
      start: slow.from,
      end: slow.to,
    }
    slow.timeline = timelineOf(moments, span, slow.gap)
  }

  return {
    event(record) {
      const slot = events.add(record)
      const { row } = record
      if (next && before(next.high, next.low, words[row + TIME + 1] as number, words[row + TIME] as number))
        settle(events.time(slot))
    },
    pair(record, row, delta) {
      const path = pathOf(row)
      const list = paths.get(path) ?? []
      paths.set(path, list)
      if (list.length >= most && delta <= (list.at(-1)?.delta ?? 0)) return
      const margin = around ?? quarter(delta)
      const end = record.has(HAS_TSC) ? BigInt.asUintN(64, record.time ?? 0n) : (record.time ?? 0n)
      const start = end - BigInt(delta)
      const slow: Waiting = {
        ...{ row, start, delta, from: spotOf(record, false), to: spotOf(record, true) },
        ...{ timeline: undefined, cut: undefined, gap: undefined },
        ...{ since: start - margin.before, until: end + margin.after },
      }
      const at = list.findIndex((other) => other.delta < delta)
      list.splice(at < 0 ? list.length : at, 0, slow)
      list.length = Math.min(list.length, most)
      waiting.push(slow)
      wait(slow.until)
    },
    result() {
      settle(undefined)
      return [...paths.values()].flat().sort((a, b) => b.delta - a.delta)
    },
  }
}

function quarter(delta: number): Around {
  const some = BigInt(Math.ceil(delta / 4))
  return { before: some, after: some }
}

function pathOf({ start, end }: LatencyRow): string {
  return JSON.stringify([start, end])
}

/** Where the pair's start, or its end, was seen. */
function spotOf(record: RecordView, isEnd: boolean): Spot {
  const src = record.member(isEnd ? endSrc : startSrc)
  const pid = record.member(isEnd ? endPid : startPid)
  const cpu = record.member(isEnd ? endCpu : startCpu)
  return {
    src: typeof src === 'string' ? src : record.src,
    cpu: typeof cpu === 'number' ? cpu : undefined,
    pid: typeof pid === 'number' ? pid : undefined,
  }
}
