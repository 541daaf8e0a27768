/**
 * histo - calls, total, min, percentiles and max of latencies.
 *
 * Reads `pair` records and prints a table: a row for each start => end, or for each of their keys; below it
 * the accounts of what was paired and what was lost, as the tools before it wrote them. With --interval a
 * table for each stretch of time, and one over all.
 *
 * What can mislead: pairs that `pair --than` held back are not in the table; the account says how many.
 */
import { HAS_TS, TIME, TYPE } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { seconds } from '../lib/drawing/event-line.js'
import { oneLine } from '../lib/drawing/visible.js'
import { accounts } from '../lib/statistics/accounts.js'
import { bars } from '../lib/statistics/bars.js'
import { hgrm } from '../lib/statistics/hgrm.js'
import { type LatencyRow, latencyTable, perUnit, type TimeUnit } from '../lib/statistics/latency-table.js'
import { type Series, series } from '../lib/statistics/series.js'
import { difference } from '../lib/wire/int64.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'
import type { RecordView } from '../lib/wire/record.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]

const spec = {
  name: 'histo',
  summary: 'calls, total, min, percentiles and max of latencies',
  operands: '[file...]',
  own: 0,
  options: {
    keys: { type: 'boolean', default: false, describe: 'a row for each key' },
    interval: {
      alias: 'i',
      type: 'string',
      value: 'duration',
      describe: 'also a table for each so long a time: 1s, 100ms, or ms',
    },
    unit: { choices: units, default: 'us', describe: 'of the times in the table' },
    bars: { type: 'boolean', default: false, describe: 'draw the distribution, a bar for each power of two' },
    json: { type: 'boolean', default: false, describe: 'write `histogram` records instead of a table' },
    hgrm: {
      type: 'boolean',
      default: false,
      describe: "write HdrHistogram's percentile distribution instead",
    },
    'max-keys': { type: 'number', default: 10000, describe: 'keys told apart; later ones are one row, `others`' },
  },
  examples: ['pair irq_handler_entry irq_handler_exit | histo', 'pair A B | histo --keys --unit ms'],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  if (options.hgrm && (options.json || options.interval))
    throw new Error('--hgrm goes with neither --json nor --interval')
  const interval = options.interval === undefined ? 0 : parseInterval(options.interval)
  const pair = idOf('pair')
  const account = accounts()
  const make = () => series(options.keys, options['max-keys'])
  const overall = make()
  let stretch = make()
  /** The time of the pair that began the stretch. */
  let fromHigh = 0
  let fromLow = 0
  /** The time of the last pair. */
  let lastHigh = 0
  let lastLow = 0
  let timeless = false

  /** `until`: the end of a stretch of time, in ns; null: the table is over all. */
  function show(some: Series, out: Out, until: bigint | null): void {
    if (options.json) {
      for (const row of some.rows) out.write(JSON.stringify(histogramRecord(row, until)))
      return
    }
    if (until !== null) context.print(`until ${seconds(until, 9)} s\n`)
    context.print(latencyTable(some.rows, options.unit))
    if (options.bars) for (const row of some.rows) context.print(`\n${caption(row)}\n${bars(row.histogram, row.unit)}`)
    if (until !== null) context.print('\n')
  }

  /** Closes the stretch of time that a pair lies beyond; each begins with a pair. */
  function turnOver(record: RecordView, out: Out): void {
    if (!record.has(HAS_TS)) {
      if (!timeless) context.problem('--interval needs times in ns; tsc-align makes them')
      timeless = true
      return
    }
    const high = words[record.row + TIME + 1] as number
    const low = words[record.row + TIME] as number
    lastHigh = high
    lastLow = low
    if (stretch.calls > 0) {
      if (difference(high, low, fromHigh, fromLow) < interval) return
      show(stretch, out, record.time as bigint)
      stretch = make()
    }
    fromHigh = high
    fromLow = low
  }

  return {
    // what was not paired is no latency
    event() {},
    record(record, out) {
      if (words[record.row + TYPE] !== pair) {
        account.take(record)
        if (options.json) out.pass(record)
        return
      }
      if (!overall.add(record)) throw new BadRecord('the pair has no delta_ns or delta_tsc of 0 to 2^53')
      if (interval === 0) return
      turnOver(record, out)
      stretch.add(record)
    },
    async end(out) {
      if (options.hgrm) {
        for (const row of overall.rows) {
          if (overall.rows.length > 1) context.print(`# ${caption(row)}\n`)
          context.print(await hgrm(row.histogram, row.unit === 'ns' ? perUnit[options.unit] : 1e3))
        }
        for (const line of account.lines(overall.calls)) context.print(`# ${oneLine(line)}\n`)
        return undefined
      }
      if (stretch.calls > 0 && !timeless) show(stretch, out, (BigInt(lastHigh) << 32n) | BigInt(lastLow >>> 0))
      if (interval > 0 && !options.json && overall.calls > 0) context.print('all\n')
      show(overall, out, null)
      if (options.json) return undefined
      if (overall.calls > 0) context.print('\n')
      for (const line of account.lines(overall.calls)) context.print(`${oneLine(line)}\n`)
      return undefined
    },
  }
})

/** `-i 1000` is what users of perf-prof type for a second. */
function parseInterval(text: string): number {
  const interval = /^\d+$/.test(text) ? Number(text) * 1_000_000 : parseDuration(text)
  if (interval === 0) throw new Error('--interval 0 is no stretch of time')
  return interval
}

function caption({ start, end, key }: LatencyRow): string {
  return oneLine(`${start} => ${end}${key === undefined ? '' : `, key ${key}`}`)
}

function histogramRecord({ start, end, of, unit, histogram }: LatencyRow, until: bigint | null): object {
  const { calls, total, min, max } = histogram
  const u = unit === 'ns' ? 'ns' : 'tsc'
  return {
    type: 'histogram',
    start,
    end,
    ...of,
    ...(until === null ? {} : { until_ts: until.toString() }),
    calls,
    [`total_${u}`]: total.toString(),
    [`min_${u}`]: min,
    ...Object.fromEntries([50, 95, 99, 99.9].map((p) => [`p${p}_${u}`, histogram.percentile(p)])),
    [`max_${u}`]: max,
    buckets: [...histogram.buckets()],
  }
}
