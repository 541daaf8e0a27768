/** Shape: what histo counts, and how its tables show it, from its options. */
import { parseDuration } from '../clock/duration.js'
import { columnsOf, worstBy } from './columns.js'
import { key, labelsOf } from './labels.js'
import type { TableForm } from './latency-table.js'
import type { SeriesOptions } from './series.js'
import { labelHeads, type Style } from './style.js'
import type { TimeUnit } from './time-text.js'

export interface Shape {
  rows: SeriesOptions
  form: TableForm
  style: Style
  bars: boolean
  percentiles: boolean
  /** Only tables in which something took longer than the threshold. */
  onlySlow: boolean
}

export interface ShapeOptions {
  keys: boolean
  by?: string | undefined
  columns: string
  apart?: string | undefined
  than?: string | undefined
  'only-than'?: string | undefined
  'max-keys': number
  unit: TimeUnit
  style: Style
  bars: boolean
  percentiles: boolean
  worst?: string | undefined
  top?: number | undefined
}

/** Throws an Error where the options contradict each other. */
export function shapeOf(options: ShapeOptions): Shape {
  const { keys, by, style, than: threshold, 'only-than': only } = options
  if (keys && by !== undefined) throw new Error('one of --keys and --by')
  if (threshold !== undefined && only !== undefined) throw new Error('one of --than and --only-than')
  const limit = threshold ?? only
  const columns = columnsOf(options.columns, limit !== undefined)
  const labels = by === undefined ? (keys ? [key] : []) : labelsOf(by)
  const heads = labelHeads(style, labels, columns.names)
  return {
    rows: {
      labels,
      names: columns.names,
      maxKeys: options['max-keys'],
      than: limit === undefined ? Number.POSITIVE_INFINITY : parseDuration(limit),
      errors: columns.errors,
    },
    form: {
      unit: options.unit,
      columns,
      labels: heads,
      apart: options.apart?.split(',') ?? [],
      worst: options.worst === undefined ? undefined : worstBy(options.worst),
      top: options.top ?? Number.POSITIVE_INFINITY,
    },
    style,
    bars: options.bars,
    percentiles: options.percentiles,
    onlySlow: only !== undefined,
  }
}
