/** Rings around the slowest pairs, with labels where there is room for them. */
import type { SlowData } from '../page-data.js'
import { svg } from './dom.js'
import { margin, type View } from './latency-shapes.js'
import type { Model } from './model.js'

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number]

export function rings(model: Model, { x, y, width }: View): SVGElement[] {
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
