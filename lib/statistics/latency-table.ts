/**
 * The latency table, in the form that users of perf-prof's multi-trace read: names sized to the longest,
 * rows sorted by total, or what else is the worst, keys first where there are any.
 */
import { oneLine } from '../drawing/visible.js'
import type { Column, Columns } from './columns.js'
import type { LatencyRow } from './series.js'
import { perUnit, type TimeUnit } from './time-text.js'

/** How the columns of labels are headed, and where their text stands. */
export interface LabelHead {
  head: string
  left: boolean
  width: number
}

export interface TableForm {
  unit: TimeUnit
  columns: Columns
  labels: readonly LabelHead[]
  /** Rows with one of these labels stand below the others, and have no part in their sum. */
  apart: readonly string[]
  /** What is largest in the first row; undefined: the total. */
  worst: ((row: LatencyRow) => number) | undefined
  /** So many rows; Infinity: all. */
  top: number
}

export function latencyTable(rows: readonly LatencyRow[], form: TableForm): string {
  return (['ns', 'cycles'] as const)
    .map((kind) => rows.filter((row) => row.unit === kind))
    .filter((some) => some.length > 0)
    .map((some) => oneTable(some, form))
    .join('\n')
}

function oneTable(all: readonly LatencyRow[], { unit, columns, labels, apart, worst, top }: TableForm): string {
  const sorted = sortedBy(all, worst)
  const whole = sorted.reduce((sum, row) => (isApart(row, apart) ? sum : sum + row.histogram.total), 0n)
  const rows = sorted.slice(0, top)
  const cycles = rows[0]?.unit === 'cycles'
  const timeUnit = cycles ? 'kcyc' : unit
  const scale = cycles ? 1e3 : perUnit[unit]
  const front = frontOf(rows, columns.names, labels)
  const own = rows.filter((row) => !isApart(row, apart))
  const others = rows.filter((row) => isApart(row, apart))
  const line = (before: string, of: (column: Column) => string) =>
    [before, ...columns.list.map(of)].join(' ').slice(before === '' ? 1 : 0)
  const lines = (some: readonly LatencyRow[], whole: bigint) =>
    some.map((row) => line(front.of(row), ({ cell, width }) => cell(row, scale, whole).padStart(width)))
  const rule = line(front.rule, ({ rule }) => '-'.repeat(rule))
  return [
    line(front.head, ({ head, width }) => head(timeUnit).padStart(width)),
    rule,
    ...lines(own, whole),
    ...(own.length > 0 && others.length > 0 ? [rule] : []),
    ...lines(others, 0n),
    ...(rows.length < all.length ? [`${all.length - rows.length} more`] : []),
    '',
  ].join('\n')
}

interface Front {
  head: string
  rule: string
  of(row: LatencyRow): string
}

/** Labels and names: what a row is. */
function frontOf(rows: readonly LatencyRow[], names: boolean, labels: readonly LabelHead[]): Front {
  const heads = labels.map(({ head, left, width }, i) => {
    const wide = Math.max(
      width,
      longest(
        head,
        rows.map((row) => oneLine(row.labels[i] ?? '')),
      ),
    )
    return { head, wide, put: (text: string) => (left ? text.padEnd(wide) : text.padStart(wide)) }
  })
  const starts = longest(
    'start',
    rows.map((row) => bare(row.start)),
  )
  const ends = longest(
    'end',
    rows.map((row) => bare(row.end)),
  )
  const path = (start: string, arrow: string, end: string) =>
    names ? [`${start.padStart(starts)} ${arrow} ${end.padEnd(ends)}`] : []
  return {
    head: [...heads.map(({ head, put }) => put(head)), ...path('start', '=>', 'end')].join(' '),
    rule: [...heads.map(({ wide }) => '-'.repeat(wide)), ...path('-'.repeat(starts), '  ', '-'.repeat(ends))].join(' '),
    of: (row) =>
      [
        ...heads.map(({ put }, i) => put(oneLine(row.labels[i] ?? ''))),
        ...path(bare(row.start), '=>', bare(row.end)),
      ].join(' '),
  }
}

function isApart({ labels }: LatencyRow, apart: readonly string[]): boolean {
  return labels.some((label) => apart.includes(label))
}

function sortedBy(rows: readonly LatencyRow[], worst: TableForm['worst']): readonly LatencyRow[] {
  const total = rows.toSorted(byTotal)
  if (!worst) return total
  return total
    .map((row) => ({ row, size: worst(row) }))
    .toSorted((a, b) => b.size - a.size)
    .map(({ row }) => row)
}

function byTotal({ histogram: a }: LatencyRow, { histogram: b }: LatencyRow): number {
  return a.total < b.total ? 1 : a.total > b.total ? -1 : 0
}

function longest(head: string, names: string[]): number {
  // of 10^6 keys: more than a call takes arguments
  return names.reduce((most, { length }) => Math.max(most, length), head.length)
}

/** `raw_syscalls:sys_enter` is `sys_enter` in a table. */
export function bare(name: string): string {
  return oneLine(name.slice(name.indexOf(':') + 1))
}
