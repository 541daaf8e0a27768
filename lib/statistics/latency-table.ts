/**
 * The latency table, in the form that users of perf-prof's multi-trace read: names sized to the longest,
 * rows sorted by total, keys first where there are any.
 */
import { oneLine } from '../drawing/visible.js'
import type { Histogram } from './histogram.js'

export interface LatencyRow {
  start: string
  end: string
  /** As text; undefined where rows are not by key. */
  key: string | undefined
  /** The same as members of a record. */
  of: { key?: number | string | undefined; vm?: string | undefined }
  unit: 'ns' | 'cycles'
  histogram: Histogram
}

export type TimeUnit = 'ns' | 'us' | 'ms' | 's'

export const perUnit: Record<TimeUnit, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }

export const percents = [50, 95, 99]

export function latencyTable(rows: readonly LatencyRow[], unit: TimeUnit): string {
  return (['ns', 'cycles'] as const)
    .map((kind) => rows.filter((row) => row.unit === kind))
    .filter((some) => some.length > 0)
    .map((some) => oneTable(some, unit))
    .join('\n')
}

function oneTable(made: LatencyRow[], unit: TimeUnit): string {
  const rows = made.map((row) => ({ ...row, key: row.key === undefined ? undefined : oneLine(row.key) }))
  const cycles = rows[0]?.unit === 'cycles'
  const label = cycles ? 'kcyc' : unit
  const scale = cycles ? 1e3 : perUnit[unit]
  const keyed = rows.some((row) => row.key !== undefined)
  const keyWidth = longest(
    'key',
    rows.map((row) => row.key ?? ''),
  )
  const startWidth = longest(
    'start',
    rows.map((row) => bare(row.start)),
  )
  const endWidth = longest(
    'end',
    rows.map((row) => bare(row.end)),
  )

  const names = (key: string, start: string, arrow: string, end: string) =>
    `${keyed ? `${key.padStart(keyWidth)} ` : ''}${start.padStart(startWidth)} ${arrow} ${end.padEnd(endWidth)}`
  const columns = ['min', 'p50', 'p95', 'p99', 'max'].map((name) => `${name}(${label})`.padStart(12))
  const lines = [
    `${names('key', 'start', '=>', 'end')} ${'calls'.padStart(8)} ${`total(${label})`.padStart(16)} ${columns.join(' ')}`,
    `${names('-'.repeat(keyWidth), '-'.repeat(startWidth), '  ', '-'.repeat(endWidth))} ${'-'.repeat(8)} ${'-'.repeat(16)} ${columns.map(() => '-'.repeat(12)).join(' ')}`,
  ]
  const sorted = rows.toSorted((a, b) =>
    a.histogram.total < b.histogram.total ? 1 : a.histogram.total > b.histogram.total ? -1 : 0,
  )
  for (const { key, start, end, histogram: h } of sorted) {
    const figures = [h.min, ...percents.map((p) => h.percentile(p)), h.max].map(BigInt)
    lines.push(
      `${names(key ?? '', bare(start), '=>', bare(end))} ${String(h.calls).padStart(8)} ${exactThousandths(h.total, scale).padStart(16)} ${figures.map((f) => exactThousandths(f, scale).padStart(12)).join(' ')}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function longest(head: string, names: string[]): number {
  return Math.max(head.length, ...names.map((name) => name.length))
}

/** `raw_syscalls:sys_enter` is `sys_enter` in a table. */
function bare(name: string): string {
  return oneLine(name.slice(name.indexOf(':') + 1))
}

/** A time in the table's unit, with three digits, rounded, exact above 2^53. */
export function exactThousandths(time: bigint, scale: number): string {
  const thousandths = (time * 1000n + BigInt(scale / 2 < 1 ? 0 : scale / 2)) / BigInt(scale)
  const text = thousandths.toString().padStart(4, '0')
  return `${text.slice(0, -3)}.${text.slice(-3)}`
}
