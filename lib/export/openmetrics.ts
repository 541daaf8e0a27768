/**
 * `export openmetrics`: latencies as an OpenMetrics 1.0 histogram (openmetrics.io; the text form that Prometheus
 * reads), and what was not paired as counters beside it. Buckets count exactly, `_sum` is exact.
 *
 *     vmpipe_latency_seconds_bucket{path="a => b",le="0.001"} 812
 */
import type { Context, Stage } from '../cli/tool.js'
import { shortened } from '../drawing/shortened.js'
import { oneLine } from '../drawing/visible.js'
import { accounts, type Figures } from '../statistics/accounts.js'
import { type Counting, type LatencyRow, type SeriesOptions, series } from '../statistics/series.js'
import { pairRows } from './pair-rows.js'

interface Buckets extends Counting {
  /** Calls up to each bound, and beyond the last. */
  readonly counts: Float64Array
  readonly calls: number
  readonly total: bigint
}

/** What is undefined is no label. */
type Labels = Record<string, unknown>

/** `bounds`: of the buckets, in ns, rising. */
export function openMetrics(rows: SeriesOptions, bounds: readonly number[], context: Context): Stage {
  const account = accounts()
  const all = series(rows, () => buckets(bounds))

  return {
    ...pairRows(all, account),
    end() {
      const labelled = merged(all.rows)
      for (const unit of ['ns', 'cycles'] as const) {
        const some = labelled.filter((row) => row.unit === unit)
        if (some.length > 0 || unit === 'ns') context.print(family(unit, bounds, some))
      }
      const { figures } = account
      for (const text of counters(figures)) context.print(text)
      if (figures.untold > 0) context.problem(`${figures.untold} further accounts of pair are left out of the counters`)
      context.print('# EOF\n')
      return { line: `${all.calls} pairs` }
    },
  }
}

function buckets(bounds: readonly number[]): Buckets {
  const counts = new Float64Array(bounds.length + 1)
  let calls = 0
  let total = 0n
  return {
    counts,
    get calls() {
      return calls
    },
    get total() {
      return total
    },
    record(value) {
      const at = bounds.findIndex((bound) => value <= bound)
      ;(counts[at < 0 ? bounds.length : at] as number)++
      calls++
      total += BigInt(value)
    },
  }
}

/** A row and its labels, as text. */
interface Labelled {
  unit: 'ns' | 'cycles'
  labels: Labels
  histogram: Pick<Buckets, 'counts' | 'calls' | 'total'>
}

/** Labels are unique: keys that differ only in what a terminal must not see are one. */
function merged(rows: readonly LatencyRow<Buckets>[]): Labelled[] {
  const found = new Map<string, Labelled>()
  for (const { start, end, of, unit, histogram } of rows) {
    const labels = { path: `${start} => ${end}`, ...of }
    const id = `${unit}${labelText(labels)}`
    const known = found.get(id)
    if (known) add(known, histogram)
    else found.set(id, { unit, labels, histogram })
  }
  return [...found.values()]
}

function add(row: Labelled, { counts, calls, total }: Buckets): void {
  const sum = row.histogram
  row.histogram = {
    counts: sum.counts.map((count, i) => count + (counts[i] ?? 0)),
    calls: sum.calls + calls,
    total: sum.total + total,
  }
}

function family(unit: 'ns' | 'cycles', bounds: readonly number[], rows: readonly Labelled[]): string {
  const word = unit === 'ns' ? 'seconds' : 'cycles'
  const name = `vmpipe_latency_${word}`
  const lines = head(name, 'histogram', 'From the start event to the end event that belongs to it.', word)
  for (const { labels, histogram } of rows) {
    let count = 0
    for (const [i, more] of histogram.counts.entries()) {
      const bound = bounds[i]
      count += more
      const le = bound === undefined ? '+Inf' : canonical(unit === 'ns' ? bound / 1e9 : bound)
      lines.push(`${name}_bucket${labelText({ ...labels, le })} ${count}`)
    }
    const sum = unit === 'ns' ? exactSeconds(histogram.total) : histogram.total
    lines.push(`${name}_count${labelText(labels)} ${histogram.calls}`, `${name}_sum${labelText(labels)} ${sum}`)
  }
  return `${lines.join('\n')}\n`
}

function* counters({ pairings, lost, late, bad }: Figures): Generator<string> {
  const sides = [
    [
      'starts',
      'What became of the start events.',
      ['pairs', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'],
    ],
    ['ends', 'What became of the end events.', ['pairs', 'orphans', 'acausal']],
  ] as const
  for (const [side, help, outcomes] of sides) {
    const sums = new Map<string, number>()
    for (const pairing of pairings)
      for (const outcome of outcomes) addTo(sums, labelText({ path: pairing.path, outcome }), pairing[outcome])
    yield counter(`vmpipe_${side}`, help, [...sums])
  }
  const gaps = [
    ['vmpipe_lost_events', 'Events that are known to be missing.', 'events'],
    ['vmpipe_lost_gaps', 'Gaps in which events are missing.', 'records'],
    ['vmpipe_lost_gaps_uncounted', 'Those of which nobody knows how many.', 'unknown'],
  ] as const
  for (const [name, help, of] of gaps) {
    const sums = new Map<string, number>()
    for (const [src, sum] of lost) addTo(sums, labelText({ src }), sum[of])
    yield counter(name, help, [...sums])
  }
  yield counter('vmpipe_late_records', 'Records that came too late to be put in order.', [['', late]])
  yield counter('vmpipe_bad_lines', 'Lines that were left out.', [['', bad]])
}

/** Labels are unique here, too. */
function addTo(sums: Map<string, number>, labels: string, count: number): void {
  sums.set(labels, (sums.get(labels) ?? 0) + count)
}

function counter(name: string, help: string, samples: readonly [labels: string, value: number][]): string {
  const lines = [...head(name, 'counter', help), ...samples.map(([labels, value]) => `${name}_total${labels} ${value}`)]
  return `${lines.join('\n')}\n`
}

function head(name: string, type: string, help: string, unit?: string): string[] {
  return [`# TYPE ${name} ${type}`, ...(unit ? [`# UNIT ${name} ${unit}`] : []), `# HELP ${name} ${help}`]
}

/** `{path="a => b",le="0.001"}`: of a backslash, a quote and a newline the format has escapes; nothing may follow a terminal's. */
function labelText(labels: Labels): string {
  const parts = Object.entries(labels).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [
          `${name}="${shortened(oneLine(String(value)))
            .replaceAll('\\', '\\\\')
            .replaceAll('"', '\\"')}"`,
        ],
  )
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

/** A number as the format wants `le` to be, as Go prints it, so that the same bound is always the same text: 1e-06, 0.0005, 1.0, 2e+06. */
function canonical(value: number): string {
  if (value !== 0 && (value < 1e-4 || value >= 1e6)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function exactSeconds(ns: bigint): string {
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`
}
