/**
 * Series: one histogram for each start => end, or for each key of it. How many keys are told apart is
 * bounded; what comes later counts as `others`.
 */
import { DELTA, END, HAS, HAS_DELTA_NS, HAS_DELTA_TSC, START } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import { type Histogram, histogram } from './histogram.js'
import type { LatencyRow } from './latency-table.js'

export interface Series {
  /** Counts a pair; false when the record has no latency. */
  add(record: RecordView): boolean
  readonly calls: number
  /** In the order of their first pair. */
  readonly rows: readonly LatencyRow[]
}

export function series(byKey: boolean, maxKeys: number): Series {
  const rows: LatencyRow[] = []
  const found = new Map<string, LatencyRow>()
  let calls = 0
  let lastNames = -1
  let last: Histogram | null = null

  function histogramOf(record: RecordView, unit: number): Histogram {
    const { row } = record
    // ids of names have 13 bits
    const names =
      ((words[row + START] as number) * 8192 + (words[row + END] as number)) * 2 + (unit === HAS_DELTA_NS ? 0 : 1)
    if (!byKey && names === lastNames && last) return last
    const key = byKey ? keyText(record) : undefined
    const made = rowOf(names, key, record, unit)
    lastNames = names
    last = made.histogram
    return made.histogram
  }

  function rowOf(names: number, key: string | undefined, record: RecordView, unit: number): LatencyRow {
    const known = found.get(`${names} ${key}`)
    if (known) return known
    if (key !== undefined && key !== 'others' && found.size >= maxKeys) return rowOf(names, 'others', record, unit)
    const { start, end } = record
    const made: LatencyRow = {
      start,
      end,
      key,
      of: key === undefined ? {} : key === 'others' ? { key } : { key: keyMember(record), vm: record.vm || undefined },
      unit: unit === HAS_DELTA_NS ? 'ns' : 'cycles',
      histogram: histogram(),
    }
    found.set(`${names} ${key}`, made)
    rows.push(made)
    return made
  }

  return {
    get rows() {
      return rows
    },
    get calls() {
      return calls
    },
    add(record) {
      const { row } = record
      const unit = (words[row + HAS] as number) & (HAS_DELTA_NS | HAS_DELTA_TSC)
      const high = words[row + DELTA + 1] as number
      if (unit === 0 || high < 0 || high > 0x1f_ffff) return false
      calls++
      histogramOf(record, unit).record(high * 0x1_0000_0000 + ((words[row + DELTA] as number) >>> 0))
      return true
    },
  }
}

/** The key as the wire format has it. */
function keyMember({ key, keyText }: RecordView): number | string | undefined {
  return typeof key === 'number' ? key : keyText
}

/** The key as the table shows it; a pair without one stands under `-`. */
function keyText(record: RecordView): string {
  const { keyText: text = '-', vm } = record
  return vm ? `${vm}/${text}` : text
}
