/**
 * The slowest pairs of each path, and what went on around them.
 *
 * Whether a pair is among them is known only at the end, and what was around it only while it is recent. So each that
 * is among them so far gets its timeline from the ring of recent events: not at once, since a backlog that grows makes
 * each pair the slowest so far, but when what it needs is next to be forgotten.
 */
import { HAS_TSC } from '../assembly/layout.js'
import type { LatencyRow } from '../statistics/series.js'
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
  drawn: boolean
  since: bigint
  until: bigint
  /** As much again before it tells what was going on when it began. */
  lead: bigint
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
/** It is looked for those whose events are next to be forgotten as often as this part of the ring is new. */
const PART = 4
const LEAST_PART = 1000

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
  let newest: number | undefined
  let untilLook = LEAST_PART

  /** Timelines for those that are over and would lose what they need before the next look; for all, at the end. */
  function look(atEnd: boolean): void {
    untilLook = Math.max(LEAST_PART, Math.ceil(events.count / PART))
    if (newest === undefined) return
    const now = events.time(newest)
    const last = events.time(events.after(untilLook))
    for (const slow of [...paths.values()].flat())
      if (!slow.drawn && (atEnd || (slow.until < now && slow.lead <= last))) draw(slow)
  }

  function draw(slow: Waiting): void {
    const { since, until, lead, start, delta } = slow
    slow.drawn = true
    const kept = events.between(lead, until).sort((a, b) => Number(events.time(a) - events.time(b)))
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
      newest = events.add(record)
      if (--untilLook === 0) look(false)
    },
    pair(record, row, delta) {
      const path = pathOf(row)
      const list = paths.get(path) ?? []
      paths.set(path, list)
      if (list.length >= most && delta <= (list.at(-1)?.delta ?? 0)) return
      const margin = around ?? quarter(delta)
      const end = record.has(HAS_TSC) ? BigInt.asUintN(64, record.time ?? 0n) : (record.time ?? 0n)
      const start = end - BigInt(delta)
      const since = start - margin.before
      const until = end + margin.after
      const slow: Waiting = {
        ...{ row, start, delta, from: spotOf(record, false), to: spotOf(record, true) },
        ...{ timeline: undefined, cut: undefined, gap: undefined },
        ...{ drawn: false, since, until, lead: since - (until - since) },
      }
      const at = list.findIndex((other) => other.delta < delta)
      list.splice(at < 0 ? list.length : at, 0, slow)
      list.length = Math.min(list.length, most)
    },
    result() {
      look(true)
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
