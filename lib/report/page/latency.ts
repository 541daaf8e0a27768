/**
 * Latency over time: cells of how many pairs, points for single ones, rings around the slowest, and where events were
 * lost. Time is that of a pair's end.
 */
import { type ScaleLinear, type ScaleLogarithmic, scaleLinear, scaleLog } from 'd3-scale'
import type { SlowData } from '../page-data.js'
import { timeAxis, valueAxis } from './axes.js'
import { html, onWidth, svg } from './dom.js'
import { grouped } from './format.js'
import type { Model } from './model.js'
import { xOf, yOf, type Zoom, zoomOf } from './zoom.js'

interface View {
  x: ScaleLinear<number, number>
  y: ScaleLogarithmic<number, number>
  width: number
  height: number
}

const margin = { top: 18, right: 14, bottom: 40, left: 62 }
const LEVELS = 7
/** Pixels. */
const LEAST_CELL = 8

export function latencyPicture(model: Model): { element: HTMLElement; zoom: Zoom } {
  const { data, format, tip } = model
  const picture = svg('svg', {
    class: 'picture',
    id: 'latency',
    tabindex: 0,
    role: 'application',
    'aria-label':
      'Latency over time. Arrow keys move, plus and minus zoom, 0 shows all, n and p go through the slowest pairs, Enter shows its timeline.',
  })
  const box = html('div', { class: 'plot' }, picture)
  const span = Math.max(1, data.to - data.from)
  let brushed: readonly [number, number] | null = null

  const zoom = zoomOf({
    element: picture,
    inner: () => ({ left: margin.left, right: view.width - margin.right }),
    extent: [data.from - span * 0.01, data.to + span * 0.01],
    least: Math.max(10, span / 1e7),
    changed: () => draw(view.width),
    brush(range) {
      brushed = range
      drawBrush()
    },
    click(x, y) {
      const near = slowNear(x, y)
      if (near !== null) model.look(near)
    },
  })

  let view: View = viewOf(600)

  function viewOf(width: number): View {
    const height = width < 560 ? 300 : 380
    const delays = model.data.paths.flatMap(({ min, max }) => [Math.max(1, min), Math.max(1, max)])
    const [least, most] = [Math.min(...delays, 1e9), Math.max(...delays, 10)]
    return {
      x: scaleLinear([zoom.from, zoom.to], [margin.left, width - margin.right]),
      y: scaleLog([Math.min(least, most) / 1.4, most * 1.6], [height - margin.bottom, margin.top]),
      width,
      height,
    }
  }

  function draw(width: number): void {
    view = viewOf(width)
    const { height } = view
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`)
    picture.setAttribute('width', String(width))
    picture.setAttribute('height', String(height))
    const clip = svg('clipPath', { id: 'latency-clip' })
    clip.append(
      svg('rect', {
        x: margin.left,
        y: 0,
        width: Math.max(0, width - margin.left - margin.right),
        height: height - margin.bottom + 1,
      }),
    )
    const inner = svg('g', { 'clip-path': 'url(#latency-clip)' })
    inner.append(...lossMarks(model, view), ...cells(model, view), ...dots(model, view))
    picture.replaceChildren(
      svg('defs', {}, clip, hatch()),
      valueAxis(view.y, format, margin.left, width - margin.right),
      timeAxis(view.x, height - margin.bottom, format.tick, format.axis),
      inner,
      ...rings(model, view),
      svg('g', { class: 'brush' }),
    )
    drawBrush()
  }

  function drawBrush(): void {
    const group = picture.querySelector('.brush')
    if (!brushed || !group) {
      group?.replaceChildren()
      return
    }
    const [a, b] = [Math.min(...brushed), Math.max(...brushed)]
    group.replaceChildren(
      svg('rect', { x: a, y: margin.top, width: b - a, height: view.height - margin.top - margin.bottom }),
    )
  }

  function slowNear(x: number, y: number): number | null {
    let best: number | null = null
    let nearest = 14
    for (const [i, { start, delta, series }] of data.slow.entries()) {
      if (model.series !== null && model.series !== series) continue
      const away = Math.hypot(view.x(start + delta) - x, view.y(Math.max(1, delta)) - y)
      if (away < nearest) {
        nearest = away
        best = i
      }
    }
    return best
  }

  picture.addEventListener('pointermove', (event) => {
    const [x, y] = [xOf(event, picture), yOf(event, picture)]
    const lines = under(model, view, x, y, slowNear(x, y))
    if (lines) tip.show(event.clientX, event.clientY, lines)
    else tip.hide()
  })
  picture.addEventListener('pointerleave', () => tip.hide())
  picture.addEventListener('blur', () => tip.hide())
  picture.addEventListener('keydown', ({ key }) => {
    if (key === 'n' || key === 'p') step(key === 'n' ? 1 : -1)
    if (key === 'Enter') document.getElementById('timeline')?.focus()
    if (key === 'Escape') {
      tip.hide()
      model.choose(null)
    }
  })

  /** To the next slow pair in time. */
  function step(by: 1 | -1): void {
    const order = data.slow
      .map((_, i) => i)
      .filter((i) => model.series === null || data.slow[i]?.series === model.series)
      .sort((a, b) => endOf(a) - endOf(b))
    const at = order.indexOf(model.slow)
    const next = order[at < 0 ? 0 : (at + by + order.length) % order.length]
    if (next === undefined) return
    model.look(next)
    const end = endOf(next)
    if (end < zoom.from || end > zoom.to) zoom.pan((end - (zoom.from + zoom.to) / 2) / (zoom.to - zoom.from))
    const { left, top } = picture.getBoundingClientRect()
    const delta = data.slow[next]?.delta ?? 0
    tip.show(left + view.x(end), top + view.y(Math.max(1, delta)), slowLines(model, next))
  }

  function endOf(i: number): number {
    const slow = data.slow[i]
    return slow ? slow.start + slow.delta : 0
  }

  model.onChange(() => draw(view.width))
  onWidth(box, draw)
  return { element: box, zoom }
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
function cells({ data, series }: Model, { x, y }: View): SVGElement[] {
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

function lowOf(row: number, perOctave: number): number {
  return row < 1 ? 0.5 : 2 ** ((row - 1) / perOctave)
}

/** A path of zero-length lines with round ends for each series. */
function dots({ data, series, colourOf }: Model, { x, y }: View): SVGElement[] {
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

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number]

function rings(model: Model, { x, y, width }: View): SVGElement[] {
  const { data, format } = model
  const taken: Box[] = []
  // labels keep off the rings, too; and beside another one a label would be read as that one's
  const centres = data.slow.map(({ start, delta }) => [x(start + delta), y(Math.max(1, delta))] as const)
  const ringBoxes = (cx: number, cy: number) =>
    centres.map(([ox, oy]): Box => {
      const wide = Math.hypot(ox - cx, oy - cy) < 8 ? 6 : 16
      return [ox - wide, oy - 6, ox + wide, oy + 6]
    })
  let labels = width < 560 ? 5 : 12
  // the chosen one has the first choice of a place
  const order = [model.slow, ...data.slow.keys()].filter((i, at) => at === 0 || i !== model.slow)
  return order.flatMap((i) => {
    const { start, delta, series } = data.slow[i] as SlowData
    const [cx, cy] = [x(start + delta), y(Math.max(1, delta))]
    if (cx < margin.left || cx > width - margin.right || (model.series !== null && model.series !== series)) return []
    const chosen = i === model.slow ? ' chosen' : ''
    const ring = svg('circle', { class: `ring${chosen}`, cx, cy, r: chosen ? 7 : 5, 'data-slow': i })
    const label = `${format.short(delta)}${data.keyed ? ` ${short(model.nameOf(series))}` : ''}`
    const place = labels <= 0 ? null : freePlace(cx, cy, label.length * 6.9, width, [...taken, ...ringBoxes(cx, cy)])
    if (!place) return [ring]
    labels--
    taken.push(place.box)
    const text = svg('text', { class: `ring-label${chosen}`, x: place.left, y: place.base }, label)
    if (!place.apart) return [ring, text]
    const near = place.left > cx ? place.left - 3 : place.left + label.length * 6.9
    return [svg('path', { class: 'ring-leader', d: `M${cx} ${cy}L${near} ${place.base - 4}` }), ring, text]
  })
}

function short(name: string): string {
  return name.length > 28 ? `${name.slice(0, 27)}…` : name
}

/** Right or left of a point, a little higher or lower, where no other label is; `apart`: not at its own height. */
function freePlace(
  cx: number,
  cy: number,
  size: number,
  width: number,
  taken: readonly Box[],
): { left: number; base: number; apart: boolean; box: Box } | null {
  for (const dy of [4, 18, -10, 32])
    for (const left of [cx + 10, cx - 10 - size, cx + 26]) {
      if (left < margin.left || left + size > width) continue
      const box: Box = [left, cy + dy - 11, left + size, cy + dy + 3]
      if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]))
        continue
      return { left, base: cy + dy, apart: dy !== 4 || left === cx + 26, box }
    }
  return null
}

function lossMarks({ data, text }: Model, { x, height }: View): SVGElement[] {
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

/** What is under the pointer, in words. */
function under(model: Model, view: View, px: number, py: number, slow: number | null): string[] | null {
  const { data, format, series } = model
  const { x, y, width, height } = view
  if (px < margin.left || px > width - margin.right || py > height - margin.bottom || py < margin.top) return null
  if (slow !== null) return slowLines(model, slow)
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
  return pointLines(model, time, delta, of)
}

function pointLines({ format, data, nameOf }: Model, end: number, delta: number, series: number): string[] {
  const wall = format.wall(end)
  return [
    format.exact(delta),
    ...(data.keyed || data.paths.length > 1 ? [nameOf(series)] : []),
    `ended at ${format.instant(end)}`,
    ...(wall ? [wall] : []),
  ]
}

function slowLines(model: Model, i: number): string[] {
  const slow = model.data.slow[i]
  if (!slow) return []
  return [...pointLines(model, slow.start + slow.delta, slow.delta, slow.series), `number ${i + 1} of the slowest`]
}
