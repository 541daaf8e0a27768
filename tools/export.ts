/**
 * export - what the other tools found, in the formats of others.
 *
 * Reads any stream and writes it as a trace for Perfetto, as stacks for a flame graph, as a latency distribution for
 * HdrHistogram's tools or for Prometheus, or as tables for whoever asks in SQL. The first operand says which.
 *
 * What can mislead: a format that has no place for what was lost or not paired cannot tell of it; where a comment is
 * possible, the account is there. Times of several machines are on one line only after tsc-align.
 */
import { type Context, filter, type OptionValues, type Spec, type Stage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { calledTrees } from '../lib/export/call-trees.js'
import { histogramLog } from '../lib/export/histogram-log.js'
import { history } from '../lib/export/history.js'
import { openMetrics } from '../lib/export/openmetrics.js'
import { percentiles } from '../lib/export/percentiles.js'
import { perfetto } from '../lib/export/perfetto.js'
import { tableFiles } from '../lib/export/tables.js'
import { key } from '../lib/statistics/labels.js'
import type { SeriesOptions } from '../lib/statistics/series.js'
import type { TimeUnit } from '../lib/statistics/time-text.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]

const spec = {
  name: 'export',
  summary: 'what the other tools found, in the formats of others',
  operands:
    'perfetto [file...] | folded [file...] | speedscope [file...] | hgrm [file...] | hlog [file...] | openmetrics [file...] | parquet [file...] | duckdb [file...]',
  own: 1,
  options: {
    keys: { type: 'boolean', default: false, describe: 'tell the keys of a path apart' },
    'max-keys': {
      type: 'number',
      default: 10000,
      describe: 'of hgrm, hlog, openmetrics: keys told apart, later ones are `others`',
    },
    unit: { choices: units, describe: 'of hgrm: of its values (default: us)' },
    interval: {
      alias: 'i',
      type: 'string',
      value: 'duration',
      describe: 'of hlog: how long each histogram is (default: 1s)',
    },
    buckets: {
      type: 'string',
      value: 'durations',
      describe: 'of openmetrics: the bounds, rising, with commas (default: 1us,2us,5us and so on to 10s)',
    },
    out: { type: 'string', value: 'path', describe: 'of parquet: the folder, of duckdb: the file that is written' },
    'partition-by': {
      type: 'string',
      value: 'columns',
      describe: 'of parquet: a folder for each day, host, vm or src: one or more of these, with commas',
    },
    name: {
      type: 'string',
      value: 'name',
      describe: 'of parquet: what the files in these folders begin with (default: what no other run has)',
    },
    roll: {
      type: 'string',
      value: 'duration',
      describe: 'of parquet in these folders: what came is in its files after so long (default: 10m)',
    },
    'roll-rows': {
      type: 'number',
      describe: 'of parquet in these folders: and after so many rows (default: 1000000)',
    },
    host: {
      type: 'string',
      value: 'name',
      describe: 'of parquet and duckdb: the host (default: what the stream says)',
    },
  },
  examples: [
    'pair A B -- all.ndjson | vmpipe export perfetto all.ndjson - >trace.json',
    'pair A B -- all.ndjson | vmpipe export parquet --out history --partition-by day,host,vm',
  ],
} as const satisfies Spec

type Options = OptionValues<typeof spec.options>
type Given = keyof typeof spec.options

interface Format {
  /** Options that say something to it. */
  takes: readonly Given[]
  stage(options: Options, context: Context): Stage
}

const formats: Record<string, Format> = {
  perfetto: { takes: ['keys'], stage: perfetto },
  chrome: { takes: ['keys'], stage: perfetto },
  folded: { takes: [], stage: (_options, context) => calledTrees('folded', context) },
  speedscope: { takes: [], stage: (_options, context) => calledTrees('speedscope', context) },
  hgrm: {
    takes: ['keys', 'max-keys', 'unit'],
    stage: (options, context) => percentiles(rowsOf(options), options.unit ?? 'us', context),
  },
  hlog: {
    takes: ['keys', 'max-keys', 'interval'],
    stage: (options, context) => histogramLog(rowsOf(options), stretch('interval', options.interval ?? '1s'), context),
  },
  openmetrics: {
    takes: ['keys', 'max-keys', 'buckets'],
    stage: (options, context) => openMetrics(rowsOf(options), boundsOf(options), context),
  },
  parquet: {
    takes: ['out', 'partition-by', 'name', 'roll', 'roll-rows', 'host'],
    stage: parquet,
  },
  duckdb: {
    takes: ['out', 'host'],
    stage: ({ out, host }) => tableFiles({ form: 'duckdb', out: outOf(out), host }),
  },
}

export default filter(spec, (options, context) => {
  const [name] = context.operands
  const known = Object.keys(formats).filter((format) => format !== 'chrome')
  if (name === undefined) throw new Error(`which format? There are ${known.join(', ')}`)
  const format = Object.hasOwn(formats, name) ? (formats[name] as Format) : undefined
  if (!format) throw new Error(`there is no format ${JSON.stringify(name)}; there are ${known.join(', ')}`)
  for (const given of Object.keys(spec.options) as Given[])
    if (!format.takes.includes(given) && options[given] !== undefined && options[given] !== defaultOf(given))
      throw new Error(`--${given} says nothing to ${name}`)
  return format.stage(options, context)
})

function defaultOf(option: Given): unknown {
  const { default: value } = spec.options[option] as { default?: unknown }
  return value
}

/** What is counted apart: each path, or each key of one. */
function rowsOf({ keys, 'max-keys': maxKeys }: Options): SeriesOptions {
  return { labels: keys ? [key] : [], names: true, maxKeys, than: Number.POSITIVE_INFINITY, errors: false }
}

function stretch(option: string, text: string): number {
  const ns = parseDuration(text)
  if (ns === 0) throw new Error(`--${option} ${text} is no stretch of time`)
  return ns
}

/** 1, 2, 5 of each power of ten from 1 us to 10 s, in ns. */
const usual = [3, 4, 5, 6, 7, 8, 9].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power)).concat(1e10)

function boundsOf({ buckets }: Options): number[] {
  if (buckets === undefined) return usual
  const texts = buckets.split(',')
  const bounds = texts.map(parseDuration)
  if (bounds.some((bound, i) => bound <= (bounds[i - 1] ?? 0)))
    throw new Error(`--buckets ${texts.join()} does not rise from above 0`)
  return bounds
}

const parts = ['day', 'host', 'vm', 'src']

function parquet(options: Options, context: Context): Stage {
  const { 'partition-by': columns, name, roll, 'roll-rows': rollRows = 1_000_000, host } = options
  const out = outOf(options.out)
  if (columns === undefined) {
    const idle = (['name', 'roll', 'roll-rows'] as const).find((option) => options[option] !== undefined)
    if (idle) throw new Error(`--${idle} says nothing without --partition-by`)
    return tableFiles({ form: 'parquet', out, host })
  }
  const by = columns.split(',')
  if (by.some((column, i) => !parts.includes(column) || by.indexOf(column) !== i))
    throw new Error(`--partition-by ${columns}: of ${parts.join(', ')}, each once`)
  if (name !== undefined && !/^[\w.-]{1,100}$/.test(name)) throw new Error('--name is letters, digits, dots, dashes')
  if (!(rollRows >= 1)) throw new Error(`--roll-rows ${rollRows} is no number of rows`)
  return history({ out, by, host, name, roll: stretch('roll', roll ?? '10m') / 1e6, rollRows }, context)
}

function outOf(out: string | undefined): string {
  if (!out) throw new Error('--out says where the tables go')
  return out
}
