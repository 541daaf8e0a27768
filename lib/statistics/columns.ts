/**
 * Columns of a latency table: `names,calls,total,min,p50,p95,p99,max`. `names` are the start => end of a row; a table without
 * them has one row for all that its labels say is the same. Widths are those of perf-prof's tables, which people have scripts for.
 */
import type { LatencyRow } from './series.js'
import { exactThousandths } from './time-text.js'

export interface Column {
  /** `unit` of the times: us, kcyc. */
  head(unit: string): string
  width: number
  /** Dashes below the head. */
  rule: number
  /** `scale`: ns (or cycles) of one unit. `whole`: the total of the rows it is a part of. */
  cell(row: LatencyRow, scale: number, whole: bigint): string
}

export interface Columns {
  /** Is there a row for each start => end? */
  names: boolean
  /** Are failed calls counted? */
  errors: boolean
  list: readonly Column[]
}

export const usual = 'names,calls,total,min,p50,p95,p99,max'

const time = (name: string, of: (row: LatencyRow, scale: number) => string, width = 12): Column => ({
  head: (unit) => `${name}(${unit})`,
  width,
  rule: width,
  cell: of,
})

const known: Record<string, Column> = {
  calls: { head: () => 'calls', width: 8, rule: 8, cell: ({ histogram }) => String(histogram.calls) },
  total: time('total', ({ histogram }, scale) => exactThousandths(histogram.total, scale), 16),
  min: time('min', ({ histogram }, scale) => exactThousandths(BigInt(histogram.min), scale)),
  avg: time('avg', ({ histogram: { calls, total } }, scale) => exactThousandths(total, BigInt(scale) * BigInt(calls))),
  max: time('max', ({ histogram }, scale) => exactThousandths(BigInt(histogram.max), scale)),
  share: {
    head: () => 'share(%)',
    width: 8,
    rule: 8,
    cell: ({ histogram }, _, whole) => share(histogram.total, whole),
  },
  err: { head: () => 'err', width: 6, rule: 6, cell: ({ errors }) => String(errors) },
  than: {
    head: () => 'than(reqs)',
    width: 13,
    rule: 14,
    cell: ({ slower, histogram }) =>
      `${String(slower).padStart(6)} (${String(Math.floor((slower * 100) / histogram.calls)).padStart(3)}%)`,
  },
}

/** Throws an Error where the text names none. `than`: whether a threshold was given; its column comes last. */
export function columnsOf(text: string, than: boolean): Columns {
  const names = text.split(',')
  if (than && !names.includes('than')) names.push('than')
  if (!than && names.includes('than')) throw new Error('the column than goes with --than')
  return {
    names: names.includes('names'),
    errors: names.includes('err'),
    list: names.filter((name) => name !== 'names').map(columnOf),
  }
}

function columnOf(name: string): Column {
  const column = Object.hasOwn(known, name) ? known[name] : undefined
  if (column) return column
  const percent = /^p(\d{1,2}(?:\.\d{1,3})?)$/.exec(name)?.[1]
  if (percent === undefined)
    throw new Error(
      `${JSON.stringify(name)} is no column; there are names, ${Object.keys(known).join(', ')}, p50, p99.9`,
    )
  return time(name, ({ histogram }, scale) => exactThousandths(BigInt(histogram.percentile(Number(percent))), scale))
}

const orders: Record<string, (row: LatencyRow) => number> = {
  calls: ({ histogram }) => histogram.calls,
  total: ({ histogram }) => Number(histogram.total),
  min: ({ histogram }) => histogram.min,
  max: ({ histogram }) => histogram.max,
  avg: ({ histogram: { calls, total } }) => Number(total) / calls,
}

/** By what the rows of a table stand, the largest first. Throws an Error where the text names no such column. */
export function worstBy(text: string): (row: LatencyRow) => number {
  const order = Object.hasOwn(orders, text) ? orders[text] : undefined
  if (order) return order
  const percent = /^p(\d{1,2}(?:\.\d{1,3})?)$/.exec(text)?.[1]
  if (percent === undefined)
    throw new Error(`${JSON.stringify(text)} orders no rows; there are ${Object.keys(orders).join(', ')}, p50, p99.9`)
  return ({ histogram }) => histogram.percentile(Number(percent))
}

/** In percent, with two digits; of nothing `-`. */
function share(part: bigint, whole: bigint): string {
  if (whole === 0n) return '-'
  return (Number((part * 10_000n + whole / 2n) / whole) / 100).toFixed(2)
}
