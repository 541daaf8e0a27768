/**
 * histo - calls, total, min, percentiles and max of latencies.
 *
 * Reads `pair` records and prints a table: a row for each start => end, or for each of their keys; below it
 * the accounts of what was paired and what was lost, as the tools before it wrote them. With --interval a
 * table for each stretch of time, and one over all; with --timeline a line for each interval of trace time.
 *
 * For a fleet each worker writes its histograms (--emit hdr), and one process adds them (--merge): counts, never percentiles.
 *
 * What can mislead: pairs that `pair --than` held back are not in the table; the account says how many.
 */
import { hostname } from 'node:os'
import { filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { emitting, newWorker } from '../lib/fleet/emitting.js'
import { mergedShape, merging } from '../lib/fleet/merging.js'
import { usual } from '../lib/statistics/columns.js'
import { shapeOf } from '../lib/statistics/shape.js'
import type { Style } from '../lib/statistics/style.js'
import { tabulating } from '../lib/statistics/tabulating.js'
import type { TimeUnit } from '../lib/statistics/time-text.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]
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
    worst: {
      type: 'string',
      value: 'column',
      describe: 'rows with the largest of these first: p99, max, calls; default total, with --merge p99',
    },
    top: { type: 'number', describe: 'so many rows only' },
    emit: { choices: ['hdr'] as const, describe: 'write encoded histograms of each interval, for --merge' },
    merge: { type: 'boolean', default: false, describe: 'read those of many workers, into one table' },
    worker: { type: 'string', value: 'name', describe: 'with --emit: who counts; default a new name each time' },
    host: { type: 'string', value: 'name', describe: "with --emit: whose pairs; default this machine's name" },
    'max-keys': { type: 'number', default: 10000, describe: 'keys told apart; later ones are one row, `others`' },
  },
  examples: [
    'pair irq_handler_entry irq_handler_exit | histo',
    'pair A B | histo --keys --unit ms',
    'pull --follow :9901 | histo --merge -i 10s',
  ],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  const { json, hgrm, emit, merge, keys, by, scroll } = options
  const interval = options.interval === undefined ? 0 : parseInterval(options.interval, 'interval')
  const timeline = options.timeline === undefined ? 0 : parseInterval(options.timeline, 'timeline')
  const form = hgrm ? 'hgrm' : json ? 'json' : 'table'
  const maxKeys = options['max-keys']
  if (hgrm && (json || interval > 0)) throw new Error('--hgrm goes with neither --json nor --interval')
  if (timeline > 0 && (json || hgrm || interval > 0))
    throw new Error('--timeline goes with none of --json, --hgrm and --interval')
  if ((emit || merge) && (timeline > 0 || (emit && (merge || json || hgrm))))
    throw new Error(emit ? '--emit writes nothing else' : '--timeline does not go with --merge')
  if (emit) {
    const { worker = newWorker(), host = hostname() } = options
    return emitting({ worker, host, interval, keys, by, maxKeys })
  }
  if (merge) {
    const { shape, by } = mergedShape(options)
    return merging({ shape, by, maxRows: maxKeys, every: interval / 1e6, form, scroll }, context)
  }
  return tabulating({ shape: shapeOf(options), interval, timeline, form, scroll }, context)
})

/** `-i 1000` is what users of perf-prof type for a second. */
function parseInterval(text: string, option: string): number {
  const interval = /^\d+$/.test(text) ? Number(text) * 1_000_000 : parseDuration(text)
  if (interval === 0) throw new Error(`--${option} 0 is no stretch of time`)
  return interval
}
