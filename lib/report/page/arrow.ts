/** What lies over the lanes: the pair as an arrow, the stretch it took, and where something is not known. */
import type { SlowData, TimelineData } from '../page-data.js'
import { svg } from './dom.js'
import { LANE, type Layout } from './lanes.js'
import type { Model } from './model.js'

export function band({ x, foot }: Layout, { delta }: SlowData): SVGElement {
  return svg('rect', {
    class: 'band',
    x: x(0),
    y: 4,
    width: Math.max(1, x(delta) - x(0)),
    height: foot - 1,
  })
}

/** What was no longer held, and what was too much to hold. */
export function unknown({ x, foot }: Layout, { from: first, cut, gap }: TimelineData): SVGElement[] {
  const parts: [number, number][] = [
    ...(cut === undefined ? [] : [[first, cut] as [number, number]]),
    ...(gap ? [gap] : []),
  ]
  return parts.map(([from, to]) =>
    svg(
      'rect',
      { class: 'unknown', x: x(from), y: 4, width: Math.max(0, x(to) - x(from)), height: foot - 1 },
      svg('title', {}, 'events of this stretch are left out'),
    ),
  )
}

/** Of the machine, and of the CPU where it is told. */
export function losses(model: Model, { rows, x }: Layout, slow: SlowData, timeline: TimelineData): SVGElement[] {
  return model.data.losses.flatMap(({ src, cpu, from = model.data.from, to = model.data.to }) => {
    const [a, b] = [from - slow.start, to - slow.start]
    if (b < timeline.from || a > timeline.to) return []
    return rows
      .filter(
        ({ lane }) =>
          model.text(src) === '' ||
          (lane.src === src && (cpu === undefined || lane.kind === 'vcpu' || lane.number === cpu)),
      )
      .map(({ top }) =>
        svg('rect', {
          class: 'loss',
          x: x(a),
          y: top,
          width: Math.max(3, x(b) - x(a)),
          height: LANE,
          fill: 'url(#hatch)',
        }),
      )
  })
}

function middle({ rows, foot }: Layout, index: number): number {
  const row = rows[index]
  return row ? row.top + LANE / 2 : foot - 12
}

export function arrow({ format }: Model, layout: Layout, slow: SlowData, timeline: TimelineData): SVGElement[] {
  const { x, left, width } = layout
  const [a, b] = [x(0), x(slow.delta)]
  const [from, to] = [middle(layout, timeline.startLane), middle(layout, timeline.endLane)]
  const shapes: SVGElement[] = []
  const { least, most } = slow
  if (least !== undefined || most !== undefined) {
    const [low, high] = [x(least ?? 0), x(most ?? timeline.to)]
    const caps = `${least === undefined ? '' : `M${low} ${to - 6}v12`}${most === undefined ? '' : `M${high} ${to - 6}v12`}`
    shapes.push(
      svg('path', { class: 'uncertain', d: `M${low} ${to}H${b}${caps}` }),
      svg('path', {
        class: `uncertain${most === undefined ? ' open' : ''}`,
        d: `M${b} ${to}H${most === undefined ? Math.min(high, b + 40) : high}`,
      }),
    )
  }
  shapes.push(
    svg('line', { class: 'arrow under', x1: a, y1: from, x2: b, y2: to }),
    svg('line', { class: 'arrow', x1: a, y1: from, x2: b, y2: to, 'marker-end': 'url(#head)' }),
    svg('circle', { class: 'from', cx: a, cy: from, r: 4 }),
    svg(
      'text',
      {
        class: 'arrow-label',
        x: Math.min(Math.max((a + b) / 2, left + 40), width - 50),
        y: (from + to) / 2 - 6,
        'text-anchor': 'middle',
      },
      format.short(slow.delta),
    ),
  )
  return shapes
}

/** The arrow's head, for `defs`. */
export function head(): SVGElement {
  const marker = svg('marker', {
    id: 'head',
    viewBox: '0 0 10 10',
    refX: 9,
    refY: 5,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
  })
  marker.append(svg('path', { class: 'head', d: 'M0 0L10 5L0 10z' }))
  return marker
}
