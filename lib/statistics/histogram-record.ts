/** The `histogram` record: a row of histo's table with its buckets, for other programs. */
import type { LatencyRow, SeriesOptions } from './series.js'

/** `until`: the end of a stretch of time, in ns; null: over all. */
export function histogramRecord(row: LatencyRow, until: bigint | null, { names, than, errors }: SeriesOptions): object {
  const { calls, total, min, max } = row.histogram
  const u = row.unit === 'ns' ? 'ns' : 'tsc'
  return {
    type: 'histogram',
    ...(names ? { start: row.start, end: row.end } : {}),
    ...row.of,
    ...(until === null ? {} : { until_ts: until.toString() }),
    calls,
    [`total_${u}`]: total.toString(),
    [`min_${u}`]: min,
    ...Object.fromEntries([50, 95, 99, 99.9].map((p) => [`p${p}_${u}`, row.histogram.percentile(p)])),
    [`max_${u}`]: max,
    ...(Number.isFinite(than) ? { [`than_${u}`]: than, slower: row.slower } : {}),
    ...(errors ? { errors: row.errors } : {}),
    buckets: [...row.histogram.buckets()],
  }
}

/** A row in one line, for what stands below the table. */
export function caption({ start, end, labels }: LatencyRow, heads: readonly { head: string }[]): string {
  const what = labels.map((label, i) => `${heads[i]?.head} ${label}`)
  return [...(start === '' ? [] : [`${start} => ${end}`]), ...what].join(', ')
}
