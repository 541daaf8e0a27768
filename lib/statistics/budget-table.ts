/**
 * A budget as a table: a row a stage, in the path's order, then the legs, then the whole path.
 */
import { short } from '../drawing/visible.js'
import type { Budget } from './budget.js'
import type { Histogram } from './histogram.js'
import { exactThousandths, percents, perUnit, type TimeUnit } from './time-text.js'

/** What is longer than this nobody reads. */
const LONGEST = 80

/** `stages` are written in `unit`; cycles in thousands. */
export function budgetTable({ path, unit: kind, stages, legs, whole }: Budget, unit: TimeUnit): string {
  const label = kind === 'cycles' ? 'kcyc' : unit
  const scale = kind === 'cycles' ? 1e3 : perUnit[unit]
  const named: [string, Histogram][] = [
    ...stages.slice(1).map(({ stage, histogram }): [string, Histogram] => [short(stage, LONGEST), histogram]),
    ...legs.map(({ from, to, histogram }): [string, Histogram] => [short(`${from} -> ${to}`, 2 * LONGEST), histogram]),
    ['the whole path', whole],
  ]
  const width = Math.max(...named.map(([name]) => name.length))
  const heads = ['min', 'p50', 'p95', 'p99', 'max'].map((name) => `${name}(${label})`.padStart(12))
  const rows = named.map(([name, histogram]) => {
    const { calls, total } = histogram
    const start = `${name.padEnd(width)} ${String(calls).padStart(8)} ${exactThousandths(total, scale).padStart(16)} ${share(total, whole.total)}`
    return calls === 0
      ? start
      : `${start} ${figures(histogram)
          .map((time) => exactThousandths(time, scale).padStart(12))
          .join(' ')}`
  })
  rows.splice(stages.length - 1, 0, ...rule(width))
  const head = `${'stage'.padEnd(width)} ${'calls'.padStart(8)} ${`total(${label})`.padStart(16)}   share ${heads.join(' ')}`
  return [
    `${short(path, 1000)}: ${whole.calls} paths, from ${short(stages[0]?.stage ?? '', LONGEST)}`,
    '',
    head,
    ...rule(width),
    ...rows,
    '',
  ].join('\n')
}

function rule(width: number): string[] {
  return [`${'-'.repeat(width)} ${'-'.repeat(8)} ${'-'.repeat(16)} ${'-'.repeat(7)}${` ${'-'.repeat(12)}`.repeat(5)}`]
}

function figures(histogram: Histogram): bigint[] {
  return [histogram.min, ...percents.map((percent) => histogram.percentile(percent)), histogram.max].map(BigInt)
}

/** Of the time of all paths, in percent; of no time nothing has a share. */
function share(total: bigint, whole: bigint): string {
  if (whole === 0n) return '-'.padStart(7)
  const tenths = (total * 1000n + whole / 2n) / whole
  return `${tenths / 10n}.${tenths % 10n}%`.padStart(7)
}
