/** `export hgrm`: the percentile distribution that HdrHistogram's plotters read, the same as histo(1) writes. */
import { TYPE } from '../assembly/layout.js'
import { BadRecord, type Context, type Stage } from '../cli/tool.js'
import { accounts } from '../statistics/accounts.js'
import { hgrmText, saidOf } from '../statistics/printing.js'
import { type SeriesOptions, series } from '../statistics/series.js'
import { labelHeads } from '../statistics/style.js'
import type { TimeUnit } from '../statistics/time-text.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'

export function percentiles(rows: SeriesOptions, unit: TimeUnit, context: Context): Stage {
  const pair = idOf('pair')
  const account = accounts()
  const all = series(rows)
  return {
    event() {},
    record(record) {
      if (words[record.row + TYPE] !== pair) {
        account.take(record)
        return
      }
      const row = all.add(record)
      if (typeof row === 'string') throw new BadRecord(row)
    },
    async end() {
      const labels = labelHeads('vmpipe', rows.labels, rows.names)
      context.print(await hgrmText(all, { unit, labels }, saidOf(all, account, rows.maxKeys)))
      return { line: `${all.calls} pairs` }
    },
  }
}
