/**
 * Gathering: a stream of pairs, events, losses and clocks, into what the page shows. What is held is bounded: a
 * histogram and a grid for each key that is told apart, some thousand single pairs, the last megabytes of events.
 */
import { HAS, HAS_DELTA_NS, HAS_DELTA_TSC, HAS_TS, HAS_TSC } from '../assembly/layout.js'
import { accounts } from '../statistics/accounts.js'
import { key } from '../statistics/labels.js'
import { type LatencyRow, series } from '../statistics/series.js'
import { lossOf, timeOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import { memberName, type RecordView } from '../wire/record.js'
import { clocks } from './clocks.js'
import { heat } from './heat.js'
import { losses } from './losses.js'
import { points } from './points.js'
import { type Around, slowest } from './slowest.js'

export interface GatheringOptions {
  slowest: number
  around: Around | undefined
  maxKeys: number
}

export type Gathering = ReturnType<typeof gathering>

/** Times further from the first than this would lose digits as numbers. */
const FARTHEST = 2n ** 53n
const ROUND = 1_000_000_000_000n
const wall = memberName('wall')

export function gathering(options: GatheringOptions) {
  const each = { names: true, than: Number.POSITIVE_INFINITY, errors: false }
  const all = series({ ...each, labels: [key], maxKeys: options.maxKeys })
  const paths = series({ ...each, labels: [], maxKeys: 0 })
  const grids = heat()
  const single = points()
  const slow = slowest(options.slowest, options.around)
  const lost = losses()
  const account = accounts()
  const clock = clocks()
  const indices = new Map<LatencyRow, number>()
  const pathOf = new Map<LatencyRow, LatencyRow>()
  let unit: number | undefined
  let base: bigint | undefined
  let wallOffset: bigint | undefined
  let from = 0
  let to = 0
  let events = 0

  /** From the base: the time of the first pair, cut to 1000 s, so that what is round on the axis is round in itself. */
  function offset(time: bigint): number {
    base ??= time - (((time % ROUND) + ROUND) % ROUND)
    return time - base > FARTHEST || base - time > FARTHEST ? Number.NaN : Number(time - base)
  }

  function indexOf(row: LatencyRow): number {
    const known = indices.get(row)
    if (known !== undefined) return known
    indices.set(row, indices.size)
    return indices.size - 1
  }

  /** Why a pair is no use; cycles and ns are no one axis. */
  function wrong(record: RecordView): string | undefined {
    if (record.time === undefined) return 'the pair has no end_ts or end_tsc'
    if (!record.has(HAS_DELTA_NS | HAS_DELTA_TSC) || record.delta < 0n || record.delta > FARTHEST)
      return 'the pair has no delta_ns or delta_tsc of 0 to 2^53'
    const of = (words[record.row + HAS] as number) & HAS_DELTA_NS
    unit ??= of
    if (of !== unit) return `the pair is in ${of ? 'ns' : 'cycles'}, those before it are not; tsc-align makes all ns`
    return undefined
  }

  return {
    event(record: RecordView): void {
      if (!record.has(HAS_TS)) return
      events++
      slow.event(record)
    },
    /** Answers why the pair is no use, if it is none. */
    pair(record: RecordView): string | undefined {
      const reason = wrong(record)
      if (reason) return reason
      const signed = record.time as bigint
      const time = record.has(HAS_TSC) ? BigInt.asUintN(64, signed) : signed
      const end = offset(time)
      if (Number.isNaN(end)) return 'the time is more than 104 days from the first'
      const row = all.add(record) as LatencyRow
      const path = paths.add(record) as LatencyRow
      if (!pathOf.has(row)) pathOf.set(row, path)
      const delta = Number(record.delta)
      const first = all.calls === 1
      from = first ? end - delta : Math.min(from, end - delta)
      to = first ? end : Math.max(to, end)
      grids.add(indexOf(row), end, delta)
      single.add(end, delta, indexOf(row))
      if (delta <= row.histogram.min) clock.shortest(record, delta)
      slow.pair(record, row, time - record.delta, delta)
      return undefined
    },
    record(record: RecordView): void {
      const { type } = record
      account.take(record)
      if (type === 'lost') lost.add(lossOf(record))
      if (type === 'check' || type === 'offset') clock.take(record)
      const now = type === 'clock' ? timeOf(record.member(wall)) : undefined
      if (now !== undefined && record.time !== undefined && record.has(HAS_TS)) wallOffset ??= now - record.time
    },
    /** What was gathered. */
    result: () => ({
      unit: unit === 0 ? ('cycles' as const) : ('ns' as const),
      base: base ?? 0n,
      wallOffset,
      from,
      to,
      events,
      calls: all.calls,
      rows: all.rows,
      paths: paths.rows,
      pathOf: (row: LatencyRow) => pathOf.get(row) as LatencyRow,
      indexOf,
      grids,
      single: single.result(),
      slow: slow.result(),
      lost,
      account: account.lines(all.calls),
      clock,
    }),
  }
}
