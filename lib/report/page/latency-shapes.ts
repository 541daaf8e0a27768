/** What is drawn of latencies over time: cells of how many pairs, points for single ones, stripes for losses. */
import { type ScaleLinear, type ScaleLogarithmic, scaleLinear, scaleLog } from 'd3-scale'
import { svg } from './dom.js'
import { grouped } from './format.js'
import type { Model } from './model.js'

export interface View {
  x: ScaleLinear<number, number>
  y: ScaleLogarithmic<number, number>
  width: number
  height: number
}

export const margin = { top: 18, right: 14, bottom: 40, left: 62 }
const LEVELS = 7
/** Pixels. */
const LEAST_CELL = 8

/** Time from left to right, latency upwards. */
export function viewOf({ data }: Model, domain: readonly [number, number], width: number): View {
  const height = width < 560 ? 300 : 380
  const delays = data.paths.flatMap(({ min, max }) => [Math.max(1, min), Math.max(1, max)])
  const [least, most] = [Math.min(...delays, 1e9), Math.max(...delays, 10)]
  return {
    x: scaleLinear(domain, [margin.left, width - margin.right]),
    y: scaleLog([Math.min(least, most) / 1.4, most * 1.6], [height - margin.bottom, margin.top]),
    width,
    height,
  }
}

/** Red stripes: nothing is known there. */
export function hatch(): SVGElement {
  return svg(
    'pattern',
    { id: 'hatch', width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { class: 'hatch', width: 2.5, height: 7 }),
  )
}

/** Cells of a few pixels: where the page's own are narrower, each two become one until they are not. */
export function cells({ data, series }: Model, { x, y }: View): SVGElement[] {
  const { perOctave } = data.grid
  const perPixel = x.invert(1) - x.invert(0)
  const merged = 2 ** Math.max(0, Math.ceil(Math.log2((perPixel * LEAST_CELL) / data.grid.width)))
  const width = data.grid.width * merged
  const counts = new Map<number, number>()
  for (const [i, { cells }] of data.series.entries()) {
    if (series !== null && series !== i) continue
    for (let at = 0; at < cells.length; at += 3) {
      const id = Math.floor((cells[at] as number) / merged) * 256 + (cells[at + 1] as number)
      counts.set(id, (counts.get(id) ?? 0) + (cells[at + 2] as number))
    }
  }
  const most = Math.max(2, ...counts.values())
  const paths = Array.from({ length: LEVELS }, () => '')
  const [from, to] = x.domain() as [number, number]
  for (const [id, count] of counts) {
    const column = Math.floor(id / 256)
    const row = id - column * 256
    if ((column + 1) * width < from || column * width > to) continue
    const level = Math.min(LEVELS - 1, Math.floor((Math.log(count) / Math.log(most)) * LEVELS))
    const [left, right] = [x(column * width), x((column + 1) * width)]
    const [low, high] = [y(lowOf(row, perOctave)), y(lowOf(row + 1, perOctave))]
    paths[level] +=
      `M${left.toFixed(1)} ${high.toFixed(1)}h${Math.max(1.2, right - left).toFixed(2)}v${(low - high).toFixed(1)}H${left.toFixed(1)}z`
  }
  return paths.map((d, level) => svg('path', { class: `heat h${level}`, d }))
}

/** Where a row of cells begins. */
export function lowOf(row: number, perOctave: number): number {
  return row < 1 ? 0.5 : 2 ** ((row - 1) / perOctave)
}

/** A path of zero-length lines with round ends for each series. */
export function dots({ data, series, colourOf }: Model, { x, y }: View): SVGElement[] {
  const { points } = data.points
  const paths = new Map<string, string>()
  const [from, to] = x.domain() as [number, number]
  let drawn = 0
  for (let at = 0; at < points.length; at += 3) {
    const [time, delta, of] = [points[at] as number, points[at + 1] as number, points[at + 2] as number]
    if (time < from || time > to || (series !== null && series !== of)) continue
    const colour = colourOf(of)
    const dot = `M${x(time).toFixed(1)} ${y(Math.max(1, delta)).toFixed(1)}h0`
    paths.set(colour, (paths.get(colour) ?? '') + dot)
    drawn++
  }
  const size = drawn > 600 ? ' many' : ''
  return [...paths].map(([colour, d]) => svg('path', { class: `dots ${colour}${size}`, d }))
}

export function lossMarks({ data, text }: Model, { x, height }: View): SVGElement[] {
  return data.losses.map(({ src, cpu, count, from = data.from, to = data.to }) => {
    const title = `lost: ${count === undefined ? 'an unknown number of' : grouped(count)} events of ${text(src) || 'unknown'}${cpu === undefined ? '' : ` CPU ${cpu}`}`
    return svg(
      'rect',
      {
        class: 'loss',
        x: x(from),
        y: margin.top,
        width: Math.max(3, x(to) - x(from)),
        height: height - margin.top - margin.bottom,
        fill: 'url(#hatch)',
      },
      svg('title', {}, title),
    )
  })
}
