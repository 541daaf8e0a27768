/** `export hgrm`: the percentile distribution that HdrHistogram's plotters read, the same as histo(1) writes. */
import type { Context, Stage } from '../cli/tool.js'
import { accounts } from '../statistics/accounts.js'
import { hgrmText, saidOf } from '../statistics/printing.js'
import { type SeriesOptions, series } from '../statistics/series.js'
import { labelHeads } from '../statistics/style.js'
import type { TimeUnit } from '../statistics/time-text.js'
import { pairRows } from './pair-rows.js'

export function percentiles(rows: SeriesOptions, unit: TimeUnit, context: Context): Stage {
  const account = accounts()
  const all = series(rows)
  return {
    ...pairRows(all, account),
    async end() {
      const labels = labelHeads('vmpipe', rows.labels, rows.names)
      context.print(await hgrmText(all, { unit, labels }, saidOf(all, account, rows.maxKeys)))
      return { line: `${all.calls} pairs` }
    },
  }
}
