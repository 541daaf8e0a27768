/** Printing: what becomes of a series when it is over, a table for people or records for programs. */
import { oneLine } from '../drawing/visible.js'
import type { Accounts } from './accounts.js'
import { bars } from './bars.js'
import { hgrm } from './hgrm.js'
import { caption, histogramRecord } from './histogram-record.js'
import { latencyTable } from './latency-table.js'
import { percentileBars } from './percentile-bars.js'
import type { LatencyRow, Series } from './series.js'
import type { Shape } from './shape.js'
import { timeLine } from './style.js'
import { perUnit, type TimeUnit } from './time-text.js'

/** As a table. `time`: its end, in ns, to stand above it; `wall`: the offset of the wall clock, where known. */
export function tableText(some: Series, shape: Shape, time: bigint | undefined, wall: bigint | undefined): string {
  const { form, style } = shape
  if (some.calls === 0 || (shape.onlySlow && !some.rows.some(({ slower }) => slower > 0))) return ''
  const shapes = some.rows.flatMap((row) =>
    drawings(row, shape).map((drawing) => `\n${oneLine(caption(row, form.labels))}\n${drawing}`),
  )
  const above = time === undefined ? '' : timeLine(style, time, wall)
  return `${above}${latencyTable(some.rows, form)}${shapes.join('')}`
}

/** A row's distribution, in the ways that were asked for. */
function drawings({ histogram, unit }: LatencyRow, { form, ...shape }: Shape): string[] {
  const [scale, name] = unit === 'ns' ? [perUnit[form.unit], form.unit] : [1e3, 'kcyc']
  return [
    ...(shape.bars ? [bars(histogram, unit)] : []),
    ...(shape.percentiles ? [percentileBars(histogram, scale, name)] : []),
  ]
}

/** As `histogram` records. `until`: the end of a stretch of time; null: over all. */
export function recordTexts(some: Series, { rows }: Shape, until: bigint | null): string[] {
  return some.rows.map((row) => JSON.stringify(histogramRecord(row, until, rows)))
}

/** As HdrHistogram's percentile distributions, and what is said of them in comments. */
export async function hgrmText(
  some: Series,
  { unit, labels }: { unit: TimeUnit; labels: readonly { head: string }[] },
  said: readonly string[],
): Promise<string> {
  const texts: string[] = []
  for (const row of some.rows) {
    if (some.rows.length > 1) texts.push(`# ${oneLine(caption(row, labels))}\n`)
    texts.push(await hgrm(row.histogram, row.unit === 'ns' ? perUnit[unit] : 1e3))
  }
  return [...texts, ...said.map((line) => `# ${oneLine(line)}\n`)].join('')
}

/** What stands below a series: the account, and which keys have no row of their own. */
export function saidOf(
  { calls, others }: Pick<Series, 'calls' | 'others'>,
  { lines }: Accounts,
  maxKeys: number,
): string[] {
  const further = `${others} pairs of further keys than --max-keys ${maxKeys} are the row others`
  return [...lines(calls), ...(others === 0 ? [] : [further])]
}
