/** Axes: grid lines and their labels. */
import type { ScaleLinear, ScaleLogarithmic } from 'd3-scale'
import { svg } from './dom.js'
import type { Format } from './format.js'

/** Latency upwards: a line for each power of ten, fainter ones at 2 and 5 where there is room. */
export function valueAxis(
  y: ScaleLogarithmic<number, number>,
  format: Format,
  left: number,
  right: number,
): SVGElement {
  const axis = svg('g', { class: 'axis' })
  const [bottom, top] = y.range() as [number, number]
  const [least, most] = y.domain() as [number, number]
  const decade = (bottom - top) / Math.log10(most / least)
  const steps = decade > 110 ? [1, 2, 5] : decade > 55 ? [1, 3] : [1]
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++)
    for (const step of steps) {
      const value = step * 10 ** power
      const at = y(value)
      if (value < least || value > most) continue
      axis.append(
        svg('line', { class: step === 1 ? 'grid' : 'grid faint', x1: left, x2: right, y1: at, y2: at }),
        svg('text', { class: 'tick', x: left - 8, y: at + 4, 'text-anchor': 'end' }, plain(value, format)),
      )
    }
  return axis
}

/** `100 µs`, not `100.00 µs`. */
function plain(value: number, { short }: Format): string {
  return short(value).replace(/\.0+ /, ' ')
}

export function timeAxis(
  x: ScaleLinear<number, number>,
  bottom: number,
  label: (value: number, step: number) => string,
  name: string,
): SVGElement {
  const axis = svg('g', { class: 'axis' })
  const [left, right] = x.range() as [number, number]
  const ticks = x.ticks(Math.max(3, Math.floor((right - left) / 110)))
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0)
  axis.append(svg('line', { class: 'base', x1: left, x2: right, y1: bottom, y2: bottom }))
  for (const tick of ticks) {
    const at = x(tick)
    axis.append(
      svg('line', { class: 'base', x1: at, x2: at, y1: bottom, y2: bottom + 5 }),
      svg('text', { class: 'tick', x: at, y: bottom + 18, 'text-anchor': 'middle' }, label(tick, step)),
    )
  }
  axis.append(svg('text', { class: 'name', x: right, y: bottom + 34, 'text-anchor': 'end' }, name))
  return axis
}
