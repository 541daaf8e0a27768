/**
 * Packing: what was gathered, as the page's data. Here is decided how much of it goes into the page, and the page is
 * told what was left out.
 */
import { showDuration } from '../clock/duration.js'
import type { Histogram } from '../statistics/histogram.js'
import type { LatencyRow } from '../statistics/series.js'
import { nameOf } from '../wire/names.js'
import type { Gathering } from './gathering.js'
import { PER_OCTAVE } from './heat.js'
import type { Mark, Segment } from './lane.js'
import type { LaneData, LatencyData, LossData, PageData, Place, SlowData, TimelineData } from './page-data.js'
import type { Slow } from './slowest.js'
import { harmless, type Texts, texts } from './texts.js'
import type { Lane, Spot, Timeline } from './timeline.js'

type Gathered = ReturnType<Gathering['result']>

/** About 20 bytes each in the page. */
const MOST_CELLS = 30_000
/** About 100 bytes each, with their texts. */
const MOST_MARKS = 6_000
const PER_HALVING = 10

export interface Head {
  title: string
  version: string
}

export function pack(found: Gathered, head: Head): PageData {
  const names = texts()
  const rows = found.rows.toSorted(byTotal)
  const paths = found.paths.toSorted(byTotal)
  const order = new Map(rows.map((row, i) => [found.indexOf(row), i]))
  const cells = cellsOf(found, rows)
  const drawn = found.slow.filter(({ timeline }) => timeline).length
  const marks = Math.max(100, Math.floor(MOST_MARKS / Math.max(1, drawn)))
  const slow = found.slow.map((one) => slowData(one, rows.indexOf(one.row), marks, found, names))
  const { points } = found.single
  return {
    ...head,
    title: harmless(head.title),
    unit: found.unit,
    base: String(found.base),
    from: found.from,
    to: found.to,
    ...(found.wallOffset === undefined ? {} : { wall: String(found.wallOffset) }),
    pairs: found.calls,
    paths: paths.map(latencyData),
    series: rows.map((row, i) => ({
      ...latencyData(row),
      path: paths.indexOf(found.pathOf(row)),
      ...keyOf(row),
      cells: cells[i] as number[],
    })),
    keyed: rows.some((row) => keyOf(row).key !== undefined),
    grid: { width: found.grids.width, perOctave: PER_OCTAVE },
    points: {
      of: found.single.of,
      points: points.map((value, i) => (i % 3 === 2 ? (order.get(value) as number) : value)),
    },
    slow,
    losses: lossData(found, names),
    clocks: found.clock.all().map(({ src, other, low, high, by }) => ({
      src: names.of(src),
      other: names.of(other),
      ...(low === undefined ? {} : { low }),
      ...(high === undefined ? {} : { high }),
      by: names.of(by),
    })),
    account: found.account.map(harmless),
    notes: notesOf(found, slow),
    texts: [...names.list],
  }
}

/** Columns become wider until the page can hold the cells. */
function cellsOf({ grids, indexOf }: Gathered, rows: readonly LatencyRow[]): number[][] {
  for (;;) {
    const cells = rows.map((row) => grids.cells(indexOf(row)))
    if (cells.reduce((sum, some) => sum + some.length / 3, 0) <= MOST_CELLS || grids.width > 2 ** 52) return cells
    grids.coarsen()
  }
}

/** Without a key a row still may be of one guest. */
function keyOf({ labels: [key], of }: LatencyRow): { key?: string } {
  if (of.key === undefined) return of.vm === undefined ? {} : { key: harmless(String(of.vm)) }
  return key === undefined ? {} : { key: harmless(key) }
}

function byTotal(a: LatencyRow, b: LatencyRow): number {
  const [one, other] = [a.histogram.total, b.histogram.total]
  return one < other ? 1 : one > other ? -1 : 0
}

function latencyData({ start, end, histogram }: LatencyRow): LatencyData {
  const { calls, total, min, max } = histogram
  return {
    start: harmless(start),
    end: harmless(end),
    ...{ calls, total: String(total), min, max },
    percentiles: [50, 95, 99, 99.9].map((percent) => histogram.percentile(percent)),
    curve: curveOf(histogram),
  }
}

/** As HdrHistogram steps: so many points for each halving of what is left above. The last one is always there. */
function curveOf(histogram: Histogram): number[] {
  const curve: number[] = []
  const { calls, max } = histogram
  let below = 0
  let next = 0
  for (const [value, count] of histogram.buckets()) {
    below += count
    const step = below === calls ? Number.POSITIVE_INFINITY : Math.log2(calls / (calls - below)) * PER_HALVING
    if (step < next) continue
    curve.push(below, Math.min(value, max))
    next = Math.floor(step) + 1
  }
  return curve
}

function slowData(slow: Slow, series: number, marks: number, { base, clock }: Gathered, names: Texts): SlowData {
  const { start, delta, from, to, timeline } = slow
  return {
    series,
    start: Number(start - base),
    delta,
    ...clock.latency(from, to, delta),
    from: place(from, names),
    to: place(to, names),
    ...(timeline ? { timeline: timelineData(timeline, slow, marks, names) } : {}),
  }
}

function place({ src, cpu, pid }: Spot, names: Texts): Place {
  return { src: names.of(src), ...(cpu === undefined ? {} : { cpu }), ...(pid === undefined ? {} : { pid }) }
}

function timelineData(timeline: Timeline, { delta, cut, gap }: Slow, most: number, names: Texts): TimelineData {
  const { from, to, startLane, endLane, events, hidden, split } = timeline
  const kept = keptMarks(timeline, delta, most)
  return {
    ...{ from, to, startLane, endLane, events, hidden },
    lanes: timeline.lanes.map((lane) => laneData(lane, kept, names)),
    ...(cut === undefined ? {} : { cut }),
    ...(gap === undefined ? {} : { gap }),
    ...(split ? { split: { ...split, instead: split.instead.flatMap(([text, time]) => [names.of(text), time]) } } : {}),
  }
}

/** Half of the marks that are kept are those nearest to the start and the end, the others every so many. */
function keptMarks({ lanes }: Timeline, delta: number, most: number): Set<Mark> {
  const all = lanes.flatMap(({ marks }) => marks)
  if (all.length <= most) return new Set(all)
  const far = ({ at }: Mark) => Math.min(Math.abs(at), Math.abs(at - delta))
  const near = all.toSorted((a, b) => far(a) - far(b)).slice(0, most / 2)
  const step = Math.ceil(all.length / (most / 2))
  return new Set([...near, ...all.filter((_, i) => i % step === 0)])
}

function laneData(lane: Lane, kept: Set<Mark>, names: Texts): LaneData {
  const { src, kind, number, thread, vm, host, segments, inner, marks } = lane
  const flat = (some: Segment[]) =>
    some.flatMap(({ from, to, state, text }) => [Math.round(from), Math.round(to), state, names.of(text)])
  return {
    ...{ src: names.of(src), kind, number, host },
    ...(thread === undefined ? {} : { thread }),
    ...(vm === '' ? {} : { vm: names.of(vm) }),
    segments: flat(segments),
    inner: flat(inner),
    marks: marks
      .filter((mark) => kept.has(mark))
      .flatMap(({ at, event, task, text }) => [at, names.of(event), names.of(task), names.of(text)]),
  }
}

function lossData({ lost, base, from, to }: Gathered, names: Texts): LossData[] {
  // a time far outside is no number that the page could draw
  const inside = (time: bigint | undefined) => {
    const at = time === undefined ? undefined : Number(time - base)
    return at === undefined ? undefined : Math.min(Math.max(at, from), to)
  }
  return lost.list.map((loss) => {
    const [begin, end] = [inside(loss.from), inside(loss.to)]
    return {
      src: names.of(nameOf(loss.src)),
      ...(loss.cpu === undefined ? {} : { cpu: loss.cpu }),
      ...(loss.count === undefined ? {} : { count: loss.count }),
      ...(begin === undefined ? {} : { from: begin }),
      ...(end === undefined ? {} : { to: end }),
    }
  })
}

/** What the pictures do not show. */
function notesOf({ single, lost, events, calls, slow }: Gathered, packed: readonly SlowData[]): string[] {
  const notes: string[] = []
  const count = (n: number) => n.toLocaleString('en')
  const { of, points, stretch } = single
  if (points.length / 3 < of)
    notes.push(
      `Of ${count(of)} pairs ${count(points.length / 3)} are drawn as points: the slowest, and of each row of the table the slowest and the fastest in each ${showDuration(stretch)}. The heatmap, the percentiles and the table have all of them.`,
    )
  if (lost.told > lost.list.length)
    notes.push(`Of ${count(lost.told)} losses those nearest to each other are drawn as one.`)
  if (events === 0 && calls > 0)
    notes.push('There were no events in the stream, so there are no timelines. pair --events passes them on.')
  const cut = slow.filter((one) => one.cut !== undefined).length
  if (cut > 0) notes.push(`${cut} timelines begin late: the events before were no longer held.`)
  if (slow.some(({ gap }) => gap)) notes.push('A timeline of more than 20,000 events has no events in its middle.')
  if (packed.some(({ timeline }) => timeline && timeline.events > marksIn(timeline)))
    notes.push(
      'Where a timeline has too many events to show, those nearest to the start and the end of the pair are shown, and of the others every so many. States are drawn from all of them.',
    )
  return notes
}

function marksIn({ lanes }: TimelineData): number {
  return lanes.reduce((sum, { marks }) => sum + marks.length / 4, 0)
}
