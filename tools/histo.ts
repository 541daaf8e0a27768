/**
 * histo - calls, total, min, percentiles and max of latencies.
 *
 * Reads `pair` records and prints a table: a row for each start => end, or for each of their keys; below it
 * the accounts of what was paired and what was lost, as the tools before it wrote them. With --interval a
 * table for each stretch of time, and one over all; with --timeline a line for each interval of trace time.
 *
 * What can mislead: pairs that `pair --than` held back are not in the table; the account says how many.
 */
import { HAS_TS, TIME, TYPE } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { pen } from '../lib/drawing/colour.js'
import { oneLine } from '../lib/drawing/visible.js'
import { wallOffset } from '../lib/drawing/wall-time.js'
import { accounts } from '../lib/statistics/accounts.js'
import { usual } from '../lib/statistics/columns.js'
import { hgrmText, recordTexts, saidOf, tableText } from '../lib/statistics/printing.js'
import { type Series, series } from '../lib/statistics/series.js'
import { shapeOf } from '../lib/statistics/shape.js'
import { stretches } from '../lib/statistics/stretches.js'
import type { Style } from '../lib/statistics/style.js'
import type { TimeUnit } from '../lib/statistics/time-text.js'
import { timeline } from '../lib/statistics/timeline.js'
import { integer64 } from '../lib/wire/int64.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'
import type { RecordView } from '../lib/wire/record.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]
/** A table that stood for less, nobody has read. */
const READABLE_MS = 100
const styles = ['vmpipe', 'perf-prof'] as const satisfies Style[]

const spec = {
  name: 'histo',
  summary: 'calls, total, min, percentiles and max of latencies',
  operands: '[file...]',
  own: 0,
  options: {
    keys: { type: 'boolean', default: false, describe: 'a row for each key' },
    by: { type: 'string', value: 'members', describe: 'a row for each value of these: state,comm or start_pid,key' },
    columns: {
      type: 'string',
      value: 'names',
      default: usual,
      describe: 'what the table shows; also avg, share, err, p99.9',
    },
    apart: { type: 'string', value: 'values', describe: 'rows with one of these keys stand apart, below: HLT,hlt' },
    than: { type: 'string', value: 'duration', describe: 'a column of how many took longer' },
    'only-than': {
      type: 'string',
      value: 'duration',
      describe: 'the same; a table in which none took longer is left out',
    },
    interval: {
      alias: 'i',
      type: 'string',
      value: 'duration',
      describe: 'also a table for each so long a time: 1s, 100ms, or ms',
    },
    scroll: { type: 'boolean', default: false, describe: 'each of these tables below the last, on a terminal as well' },
    timeline: {
      type: 'string',
      value: 'duration',
      describe: 'first a line for each so long a time, its distribution drawn: 1s, 100ms',
    },
    unit: { choices: units, default: 'us', describe: 'of the times in the table' },
    style: { choices: styles, default: 'vmpipe', describe: 'whose form the table has' },
    bars: { type: 'boolean', default: false, describe: 'draw the distribution, a bar for each power of two' },
    percentiles: { type: 'boolean', default: false, describe: 'draw the value at each percentile up to the longest' },
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
  const { json } = options
  if (options.hgrm && (json || options.interval)) throw new Error('--hgrm goes with neither --json nor --interval')
  if (options.timeline !== undefined && (json || options.hgrm || options.interval))
    throw new Error('--timeline goes with none of --json, --hgrm and --interval')
  const interval = options.interval === undefined ? 0 : parseInterval(options.interval, 'interval')
  const shape = shapeOf(options)
  const make = () => series(shape.rows)
  const pair = idOf('pair')
  const clock = idOf('clock')
  const account = accounts()
  const { terminal } = context
  const look = {
    unit: options.unit,
    pen: pen(terminal?.colours ?? 0),
    columns: terminal?.columns() ?? Number.POSITIVE_INFINITY,
  }
  const overall = make()
  const overTime =
    options.timeline === undefined
      ? null
      : timeline(parseInterval(options.timeline, 'timeline'), look, make, (text) => context.print(text))
  const parts = stretches(interval, make, showPart)
  const perfProf = shape.style === 'perf-prof'
  let output: Out
  let timeless = false
  let wall: bigint | undefined
  /** Of the last pair with a time in ns, where the table is to say it. */
  let last: bigint | undefined

  function showPart(part: Series, until: bigint): void {
    if (json) for (const text of recordTexts(part, shape, until)) output.write(text)
    else {
      const table = tableText(part, shape, until, wall)
      if (table === '') return
      if (terminal && !options.scroll) terminal.show(`${table}\n`, Math.max(READABLE_MS, interval / 2e6))
      else context.print(`${table}\n`)
    }
  }

  function showAll(): void {
    if (json) {
      for (const text of recordTexts(overall, shape, null)) output.write(text)
      return
    }
    // perf-prof has no table over all its intervals
    if (overall.calls === 0 || (perfProf && interval > 0 && !timeless)) return
    const table = tableText(overall, shape, perfProf ? last : undefined, wall)
    if (interval > 0) context.print('all\n')
    context.print(table === '' ? `nothing took longer than ${showDuration(shape.rows.than)}\n\n` : `${table}\n`)
  }

  function other(record: RecordView, out: Out): void {
    account.take(record)
    if (words[record.row + TYPE] === clock && record.has(HAS_TS)) {
      wall = wallOffset(record) ?? wall
      if (interval > 0) parts.reach(record)
    }
    if (json) out.pass(record)
  }

  /** Intervals are ns; says once that this pair has none. */
  function timed(record: RecordView): boolean {
    if (record.has(HAS_TS)) return true
    if (!timeless) context.problem(`--${overTime ? 'timeline' : 'interval'} needs times in ns; tsc-align makes them`)
    timeless = true
    return false
  }

  return {
    // what was not paired is no latency
    event() {},
    record(record, out) {
      output = out
      if (words[record.row + TYPE] !== pair) {
        other(record, out)
        return
      }
      const row = overall.add(record)
      if (typeof row === 'string') throw new BadRecord(row)
      if (perfProf && record.has(HAS_TS)) last = integer64(record.row + TIME)
      if (overTime && timed(record)) overTime.add(record)
      if (interval === 0 || !timed(record)) return
      parts.reach(record)
      parts.add(record)
    },
    async end(out) {
      output = out
      const lines = saidOf(overall, account, options['max-keys'])
      if (options.hgrm) {
        context.print(await hgrmText(overall, shape.form, lines))
        return undefined
      }
      if (!timeless) parts.close()
      if (overTime?.end()) context.print('\n')
      showAll()
      if (!json) for (const line of lines) context.print(`${oneLine(line)}\n`)
      return undefined
    },
  }
})

/** `-i 1000` is what users of perf-prof type for a second. */
function parseInterval(text: string, option: string): number {
  const interval = /^\d+$/.test(text) ? Number(text) * 1_000_000 : parseDuration(text)
  if (interval === 0) throw new Error(`--${option} 0 is no stretch of time`)
  return interval
}
