/**
 * The percentile curve on HdrHistogram's axis: each decade to the right is a tenth of the pairs that are left above,
 * so 90, 99, 99.9 % are equally far apart. A curve ends at its slowest pair.
 */
import { type ScaleLogarithmic, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import type { LatencyData } from '../page-data.js'
import { valueAxis } from './axes.js'
import { html, onWidth, svg } from './dom.js'
import { COLOURS, type Model, pathName } from './model.js'
import { xOf } from './zoom.js'

interface Curve {
  name: string
  class: string
  of: LatencyData
  series: number | null
}

const margin = { top: 14, right: 14, bottom: 40, left: 62 }

export function percentilePicture(model: Model): HTMLElement {
  const { data, format, tip } = model
  const picture = svg('svg', {
    class: 'picture',
    id: 'percentiles',
    tabindex: 0,
    role: 'application',
    'aria-label': 'Percentiles of the latency. The left and right arrow keys move over the curves.',
  })
  const box = html('div', { class: 'plot' }, picture)
  const most = Math.max(10, ...data.paths.map(({ calls }) => calls))
  let x = scaleLog()
  let y = scaleLog()
  let shown: Curve[] = []
  let cursor = 2

  function draw(width: number): void {
    const height = width < 560 ? 280 : 320
    const delays = data.paths.flatMap(({ min, max }) => [Math.max(1, min), Math.max(1, max)])
    x = scaleLog([1, most * 1.5], [margin.left, width - margin.right])
    y = scaleLog([Math.min(...delays, 1e9) / 1.4, Math.max(...delays, 10) * 2], [height - margin.bottom, margin.top])
    shown = curvesOf(model)
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`)
    picture.setAttribute('width', String(width))
    picture.setAttribute('height', String(height))
    picture.replaceChildren(
      valueAxis(y, format, margin.left, width - margin.right),
      shareAxis(x, y),
      ...shown.map((curve) => svg('path', { class: `curve ${curve.class}`, d: pathOf(curve.of, x, y) })),
      svg('line', { class: 'cursor', y1: margin.top, y2: height - margin.bottom, visibility: 'hidden' }),
    )
  }

  function point(at: number, clientX: number, clientY: number): void {
    const line = picture.querySelector('.cursor')
    const px = x(at)
    line?.setAttribute('x1', String(px))
    line?.setAttribute('x2', String(px))
    line?.setAttribute('visibility', 'visible')
    const rows = shown
      .map(({ name, of }) => ({ name, value: valueAt(of, 1 - 1 / at) }))
      .sort((a, b) => b.value - a.value)
      .slice(0, 10)
    tip.show(clientX, clientY, [
      `${shareName(at)} of the pairs take at most`,
      ...rows.map(({ name, value }) => `${format.short(value)}  ${name}`),
    ])
  }

  function leave(): void {
    tip.hide()
    picture.querySelector('.cursor')?.setAttribute('visibility', 'hidden')
  }

  picture.addEventListener('pointermove', (event) => {
    const at = x.invert(xOf(event, picture))
    if (at < 1 || at > most * 1.5) leave()
    else point(at, event.clientX, event.clientY)
  })
  picture.addEventListener('pointerleave', leave)
  picture.addEventListener('blur', leave)
  picture.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave()
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    event.preventDefault()
    cursor = Math.min(most * 1.4, Math.max(1, cursor * (event.key === 'ArrowLeft' ? 1 / 1.3 : 1.3)))
    const { left, top } = picture.getBoundingClientRect()
    point(cursor, left + x(cursor), top + 60)
  })
  model.onChange(() => draw(box.clientWidth))
  onWidth(box, draw)
  return box
}

/** The chosen one and its path; else all that have a colour, below their paths. */
function curvesOf({ data, series, nameOf, colourOf }: Model): Curve[] {
  const paths = data.paths.map((of, i): Curve => ({ name: pathName(of), class: `all p${i % 2}`, of, series: null }))
  if (!data.keyed && data.paths.length > 1)
    return data.series.map((of, i) => ({ name: nameOf(i), class: colourOf(i), of, series: i }))
  if (!data.keyed) return paths
  const keys = data.series
    .map((of, i): Curve => ({ name: nameOf(i), class: colourOf(i), of, series: i }))
    .filter((curve) => (series === null ? (curve.series ?? 0) < COLOURS : curve.series === series))
  return [...keys, ...paths]
}

/** Each step goes on to the share of the pairs that take at most so long; the last to the edge. */
function pathOf({ calls, min, curve }: LatencyData, x: ScaleLogarithmic<number, number>, y: typeof x): string {
  const points: [number, number][] = [[1, min]]
  let before = 1
  for (let at = 0; at < curve.length; at += 2) {
    const value = curve[at + 1] as number
    const left = calls - (curve[at] as number)
    points.push([before, value])
    before = left > 0 ? calls / left : Math.max(before * 1.2, calls * 1.2)
    points.push([before, value])
  }
  const most = x.domain()[1] as number
  const draw = line<[number, number]>()
    .x(([share]) => x(Math.min(share, most)))
    .y(([, value]) => y(Math.max(1, value)))
  return draw(points) ?? ''
}

/** The value that so large a share of the pairs does not exceed. */
function valueAt({ calls, curve, max }: LatencyData, share: number): number {
  for (let at = 0; at < curve.length; at += 2)
    if ((curve[at] as number) >= share * calls) return curve[at + 1] as number
  return max
}

function shareAxis(x: ScaleLogarithmic<number, number>, y: typeof x): SVGElement {
  const axis = svg('g', { class: 'axis' })
  const [bottom, top] = y.range() as [number, number]
  const [left, right] = x.range() as [number, number]
  axis.append(svg('line', { class: 'base', x1: left, x2: right, y1: bottom, y2: bottom }))
  const ticks = [1, 2, ...Array.from({ length: 12 }, (_, i) => 10 ** (i + 1))]
  const crowded = right - left < 420
  for (const tick of ticks.filter((tick) => tick <= (x.domain()[1] as number) && !(crowded && tick === 2))) {
    const at = x(tick)
    axis.append(
      svg('line', { class: 'grid faint', x1: at, x2: at, y1: top, y2: bottom }),
      svg('text', { class: 'tick', x: at, y: bottom + 18, 'text-anchor': 'middle' }, shareName(tick)),
    )
  }
  axis.append(svg('text', { class: 'name', x: right, y: bottom + 34, 'text-anchor': 'end' }, 'percentile'))
  return axis
}

/** 1000 is `99.9 %`. */
function shareName(at: number): string {
  const share = (1 - 1 / at) * 100
  const digits = at <= 10 ? 0 : Math.max(0, Math.ceil(Math.log10(at) - 2 + (Number.isInteger(Math.log10(at)) ? 0 : 1)))
  return `${share.toFixed(Math.min(9, digits))} %`
}
