/**
 * Series: one histogram for each start => end, or for each of their keys, or of what members of the pairs say (`--by`). How many
 * keys are told apart is bounded; what comes later counts as `others`.
 */
import { DELTA, END, HAS, HAS_DELTA_NS, HAS_DELTA_TSC, START } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { memberName, type RecordView } from '../wire/record.js'
import { type Histogram, histogram } from './histogram.js'

export interface LatencyRow<H = Histogram> {
  /** Empty where rows are not by name. */
  start: string
  end: string
  /** What tells rows apart beside the names, as text. */
  labels: readonly string[]
  /** The same as members of a record. */
  of: Record<string, unknown>
  unit: 'ns' | 'cycles'
  histogram: H
  /** Calls that took longer than the threshold. */
  slower: number
  /** Calls whose `ret` says that they failed. */
  errors: number
}

/** What tells pairs apart, beside their names. */
export interface Label {
  name: string
  text(record: RecordView): string
  /** Members of the row's record. */
  members(record: RecordView): Record<string, unknown>
}

export interface SeriesOptions {
  labels: readonly Label[]
  /** A row for each start => end. */
  names: boolean
  maxKeys: number
  /** Infinity: none. */
  than: number
  errors: boolean
}

/** What takes latencies one by one. */
export interface Counting {
  record(latency: number): void
}

export interface Series<H = Histogram> {
  /** Counts a pair; answers its row, or why it cannot be counted. */
  add(record: RecordView): LatencyRow<H> | string
  readonly calls: number
  /** Calls whose key came too late to have a row. */
  readonly others: number
  /** In the order of their first pair. */
  readonly rows: readonly LatencyRow<H>[]
}

const LONGEST = 256
const OTHERS = 'others'

export function series(options: SeriesOptions): Series
/** `counting` makes what counts in a histogram's place. */
export function series<H extends Counting>(options: SeriesOptions, counting: () => H): Series<H>
export function series(
  { labels, names: byName, maxKeys, than, errors }: SeriesOptions,
  counting: () => Counting = histogram,
): Series<Counting> {
  const rows: LatencyRow<Counting>[] = []
  const found = new Map<string, LatencyRow<Counting>>()
  const ret = memberName('ret')
  const limited = Number.isFinite(than)
  let calls = 0
  let others = 0
  let lastNames = -1
  let last: LatencyRow<Counting> | null = null

  function rowFor(record: RecordView, unit: number): LatencyRow<Counting> {
    const { row } = record
    const kind = unit === HAS_DELTA_NS ? 0 : 1
    // ids of names have 13 bits
    const names = byName ? ((words[row + START] as number) * 8192 + (words[row + END] as number)) * 2 + kind : kind
    if (labels.length === 0 && names === lastNames && last) return last
    const texts = labels.map((label) => cut(label.text(record)))
    last = found.get(id(names, texts)) ?? make(record, names, texts)
    lastNames = names
    return last
  }

  function make(record: RecordView, names: number, texts: readonly string[]): LatencyRow<Counting> {
    const full = labels.length > 0 && found.size >= maxKeys
    const shown = full ? texts.map((_, i) => (i === 0 ? OTHERS : '-')) : texts
    if (full) others++
    const known = found.get(id(names, shown))
    if (known) return known
    const of = full
      ? { [labels[0]?.name === 'key' ? 'key' : 'by']: OTHERS }
      : Object.assign({}, ...labels.map((label) => label.members(record)))
    const row: LatencyRow<Counting> = {
      start: byName ? record.start : '',
      end: byName ? record.end : '',
      labels: shown,
      of,
      unit: names % 2 === 0 ? 'ns' : 'cycles',
      histogram: counting(),
      slower: 0,
      errors: 0,
    }
    found.set(id(names, shown), row)
    rows.push(row)
    return row
  }

  return {
    get rows() {
      return rows
    },
    get calls() {
      return calls
    },
    get others() {
      return others
    },
    add(record) {
      const { row } = record
      const unit = (words[row + HAS] as number) & (HAS_DELTA_NS | HAS_DELTA_TSC)
      const high = words[row + DELTA + 1] as number
      if (unit === 0 || high < 0 || high > 0x1f_ffff) return 'the pair has no delta_ns or delta_tsc of 0 to 2^53'
      if (limited && unit === HAS_DELTA_TSC) return '--than needs times in ns; tsc-align makes them'
      const returned = errors ? record.member(ret) : null
      if (returned === undefined) return 'the pair has no ret for the column err; pair --with ret gives it'
      const delta = high * 0x1_0000_0000 + ((words[row + DELTA] as number) >>> 0)
      calls++
      const of = rowFor(record, unit)
      of.histogram.record(delta)
      if (delta > than) of.slower++
      if (returned !== null && failed(returned)) of.errors++
      return of
    },
  }
}

function id(names: number, texts: readonly string[]): string {
  return `${names} ${texts.join('\0')}`
}

/** -4095 to -1, as the kernel returns errors (include/linux/err.h: IS_ERR_VALUE). */
function failed(ret: unknown): boolean {
  const value = Number(ret)
  return value >= -4095 && value <= -1
}

/** No longer than what people read; with its length, so that long texts which begin alike are mostly still apart. */
export function cut(text: string): string {
  if (text.length <= LONGEST) return text
  // whole characters, no half of a surrogate pair
  const start = [...text.slice(0, LONGEST)].slice(0, LONGEST - 1).join('')
  return `${start}… (${text.length.toLocaleString('en')} characters)`
}
