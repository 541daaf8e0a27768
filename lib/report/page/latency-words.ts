/** What is under the pointer, in words. */
import { grouped } from './format.js'
import { lowOf, margin, type View } from './latency-shapes.js'
import type { Model } from './model.js'

export function latencyWords(model: Model, view: View, px: number, py: number, slow: number | null): string[] | null {
  const { data, format, series } = model
  const { x, y, width, height } = view
  if (px < margin.left || px > width - margin.right || py > height - margin.bottom || py < margin.top) return null
  if (slow !== null) return slowWords(model, slow)
  const point = pointNear(model, view, px, py)
  const [time, delta] = [x.invert(px), y.invert(py)]
  const lost = data.losses.filter(({ from = data.from, to = data.to }) => x(from) - 2 < px && px < x(to) + 4)
  const losses = lost.map(
    ({ src, count }) => `lost here: ${count === undefined ? 'unknown' : grouped(count)} events of ${model.text(src)}`,
  )
  if (point) return [...point, ...losses]
  const { width: wide, perOctave } = data.grid
  const column = Math.floor(time / wide)
  const row = 1 + Math.floor(perOctave * Math.log2(delta))
  let count = 0
  for (const [i, { cells }] of data.series.entries()) {
    if (series !== null && series !== i) continue
    for (let at = 0; at < cells.length; at += 3)
      if (cells[at] === column && cells[at + 1] === row) count += cells[at + 2] as number
  }
  if (count === 0 && losses.length === 0) return null
  return [
    `${grouped(count)} pair${count === 1 ? '' : 's'}`,
    `${format.short(lowOf(row, perOctave))} to ${format.short(lowOf(row + 1, perOctave))}`,
    `${format.instant(column * wide)} + ${format.short(wide)}`,
    ...losses,
  ]
}

function pointNear(model: Model, { x, y }: View, px: number, py: number): string[] | null {
  const { points } = model.data.points
  let nearest = 9
  let best = -1
  for (let at = 0; at < points.length; at += 3) {
    if (model.series !== null && model.series !== points[at + 2]) continue
    const dx = x(points[at] as number) - px
    if (Math.abs(dx) > nearest) continue
    const away = Math.hypot(dx, y(Math.max(1, points[at + 1] as number)) - py)
    if (away >= nearest) continue
    nearest = away
    best = at
  }
  if (best < 0) return null
  const [time, delta, of] = points.slice(best, best + 3) as [number, number, number]
  return pairWords(model, time, delta, of)
}

function pairWords({ format, data, nameOf }: Model, end: number, delta: number, series: number): string[] {
  const wall = format.wall(end)
  return [
    format.exact(delta),
    ...(data.keyed || data.paths.length > 1 ? [nameOf(series)] : []),
    `ended at ${format.instant(end)}`,
    ...(wall ? [wall] : []),
  ]
}

export function slowWords(model: Model, i: number): string[] {
  const slow = model.data.slow[i]
  if (!slow) return []
  return [...pairWords(model, slow.start + slow.delta, slow.delta, slow.series), `number ${i + 1} of the slowest`]
}
