/**
 * Gathering: a stream of pairs, events, losses and clocks, into what the page shows. What is held is bounded: a
 * histogram and a grid for each key that is told apart, some thousand single pairs, the last megabytes of events.
 */
import { DELTA, END, HAS, HAS_DELTA_NS, HAS_DELTA_TSC, HAS_TS, HAS_TSC, START, TIME } from '../assembly/layout.js'
import { wallOffsets } from '../drawing/wall-time.js'
import { accounts } from '../statistics/accounts.js'
import { key } from '../statistics/labels.js'
import { type LatencyRow, series } from '../statistics/series.js'
import { difference } from '../wire/int64.js'
import { lossOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
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
const FARTHEST = 2 ** 53
/** A path is named by who runs pair; what a guest makes up is not to fill the page. */
const MOST_PATHS = 50
const ROUND = 1_000_000_000_000n

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
  const names = new Set<number>()
  const pathOf = new Map<LatencyRow, LatencyRow>()
  let unit: number | undefined
  let base: { exact: bigint; high: number; low: number } | undefined
  const wall = wallOffsets()
  let from = 0
  let to = 0
  let events = 0

  /** From the base: the time of the first pair, cut to 1000 s, so that what is round on the axis is round in itself. */
  function offset(record: RecordView): number {
    if (!base) {
      const time = record.has(HAS_TSC) ? BigInt.asUintN(64, record.time ?? 0n) : (record.time ?? 0n)
      const exact = time - (((time % ROUND) + ROUND) % ROUND)
      base = { exact, high: Number(BigInt.asIntN(64, exact) >> 32n), low: Number(BigInt.asIntN(32, exact)) }
    }
    const { row } = record
    return difference(words[row + TIME + 1] as number, words[row + TIME] as number, base.high, base.low)
  }

  function indexOf(row: LatencyRow): number {
    const known = indices.get(row)
    if (known !== undefined) return known
    indices.set(row, indices.size)
    return indices.size - 1
  }

  /** Why a pair is no use; cycles and ns are no one axis. */
  function wrong(record: RecordView): string | undefined {
    if (!record.has(HAS_TS | HAS_TSC)) return 'the pair has no end_ts or end_tsc'
    const high = words[record.row + DELTA + 1] as number
    if (!record.has(HAS_DELTA_NS | HAS_DELTA_TSC) || high < 0 || high > 0x1f_ffff)
      return 'the pair has no delta_ns or delta_tsc of 0 to 2^53'
    const of = (words[record.row + HAS] as number) & HAS_DELTA_NS
    unit ??= of
    if (of !== unit) return `the pair is in ${of ? 'ns' : 'cycles'}, those before it are not; tsc-align makes all ns`
    // ids of names have 13 bits
    const path = (words[record.row + START] as number) * 8192 + (words[record.row + END] as number)
    if (!names.has(path) && names.size >= MOST_PATHS) return `more than ${MOST_PATHS} paths`
    names.add(path)
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
      const end = offset(record)
      if (Math.abs(end) > FARTHEST) return 'the time is more than 104 days from the first'
      const row = all.add(record) as LatencyRow
      const path = paths.add(record) as LatencyRow
      if (!pathOf.has(row)) pathOf.set(row, path)
      const delta = (words[record.row + DELTA + 1] as number) * 2 ** 32 + ((words[record.row + DELTA] as number) >>> 0)
      const first = all.calls === 1
      from = first ? end - delta : Math.min(from, end - delta)
      to = first ? end : Math.max(to, end)
      grids.add(indexOf(row), end, delta)
      single.add(end, delta, indexOf(row))
      if (delta <= row.histogram.min) clock.shortest(record, delta)
      slow.pair(record, row, delta)
      return undefined
    },
    record(record: RecordView): void {
      const { type } = record
      account.take(record)
      if (type === 'lost') lost.add(lossOf(record))
      if (type === 'check' || type === 'offset') clock.take(record)
      if (type === 'clock') wall.take(record)
    },
    /** What was gathered. */
    result: () => ({
      unit: unit === 0 ? ('cycles' as const) : ('ns' as const),
      base: base?.exact ?? 0n,
      wallOffset: wall.whole,
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
