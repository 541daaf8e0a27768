/**
 * The timeline of a slow pair: a lane for each CPU and each vCPU thread, the host's above and the guests' below; what
 * ran there, interrupts above it, ticks for events. The pair is the arrow from its start to its end; a bracket at
 * the arrow's head is what the clocks leave uncertain.
 */
import type { SlowData, TimelineData } from '../page-data.js'
import { arrow, band, head, losses, unknown } from './arrow.js'
import { timeAxis } from './axes.js'
import { html, onWidth, svg } from './dom.js'
import { grouped } from './format.js'
import { foundAt, LANE, type Layout, laneNames, laneShapes, layoutOf } from './lanes.js'
import type { Model } from './model.js'
import { eventList, eventsOf, eventWords, legend, segmentWords } from './timeline-words.js'
import { xOf, yOf, zoomOf } from './zoom.js'

export function timelinePicture(model: Model, slow: SlowData): HTMLElement {
  const { timeline } = slow
  if (!timeline)
    return html('p', { class: 'none' }, 'No events of this time are in the stream; pair --events passes them on.')
  const element = html('div', {}, picture(model, slow, timeline), legend(timeline, slow), eventList(model, timeline))
  return element
}

function picture(model: Model, slow: SlowData, timeline: TimelineData): HTMLElement {
  const { tip } = model
  const drawing = svg('svg', {
    class: 'picture',
    id: 'timeline',
    tabindex: 0,
    role: 'application',
    'aria-label':
      'What both machines did. Arrow keys move, plus and minus zoom, 0 shows all, n and p go through the events.',
  })
  const box = html('div', { class: 'plot' }, drawing)
  const events = eventsOf(timeline)
  let layout: Layout = layoutOf(timeline, [timeline.from, timeline.to], 600)
  let cursor = -1
  let brushed: readonly [number, number] | null = null

  const zoom = zoomOf({
    element: drawing,
    inner: () => layout,
    extent: [timeline.from, timeline.to],
    least: Math.max(10, (timeline.to - timeline.from) / 1e6),
    changed: () => draw(layout.width),
    brush(range) {
      brushed = range
      drawBrush()
    },
  })

  function draw(width: number): void {
    layout = layoutOf(timeline, [zoom.from, zoom.to], width)
    const { rows, x, left, right, foot, height } = layout
    drawing.setAttribute('viewBox', `0 0 ${width} ${height}`)
    drawing.setAttribute('width', String(width))
    drawing.setAttribute('height', String(height))
    const clip = svg('clipPath', { id: 'timeline-clip' })
    clip.append(svg('rect', { x: left, y: 0, width: Math.max(0, right - left), height: foot + 3 }))
    const inner = svg('g', { 'clip-path': 'url(#timeline-clip)' })
    inner.append(
      band(layout, slow),
      ...rows.flatMap((row) => laneShapes(model, layout, row)),
      ...unknown(layout, timeline),
      ...losses(model, layout, slow, timeline),
      ...arrow(model, layout, slow, timeline),
    )
    drawing.replaceChildren(
      svg('defs', {}, clip, head()),
      ...rows.flatMap((row) => laneNames(model, layout, row)),
      timeAxis(x, foot + 3, (value, step) => fromStart(model, value, step), 'from the start of the pair'),
      inner,
      svg('g', { class: 'brush' }),
    )
    drawBrush()
  }

  function drawBrush(): void {
    const group = drawing.querySelector('.brush')
    const [a, b] = brushed ? [Math.min(...brushed), Math.max(...brushed)] : [0, 0]
    group?.replaceChildren(...(brushed ? [svg('rect', { x: a, y: 4, width: b - a, height: layout.foot })] : []))
  }

  function under(px: number, py: number): string[] | null {
    const found = foundAt(model, layout, px, py)
    if (!found) return null
    if ('mark' in found) return eventWords(model, slow, found.lane, found.mark)
    return segmentWords(model, found.lane, found.segments, found.at)
  }

  drawing.addEventListener('pointermove', (event) => {
    const lines = under(xOf(event, drawing), yOf(event, drawing))
    if (lines) tip.show(event.clientX, event.clientY, lines)
    else tip.hide()
  })
  drawing.addEventListener('pointerleave', () => tip.hide())
  drawing.addEventListener('blur', () => tip.hide())
  drawing.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') tip.hide()
    if (key !== 'n' && key !== 'p') return
    cursor = Math.max(0, Math.min(events.length - 1, key === 'n' ? cursor + 1 : cursor - 1))
    const event = events[cursor]
    const row = event && layout.rows[event.lane]
    if (!event || !row) return
    if (event.time < zoom.from || event.time > zoom.to)
      zoom.pan((event.time - (zoom.from + zoom.to) / 2) / (zoom.to - zoom.from))
    const { left: pageLeft, top } = drawing.getBoundingClientRect()
    tip.show(pageLeft + layout.x(event.time), top + row.top + LANE, eventWords(model, slow, row.lane, event.at))
  })
  onWidth(box, draw)
  return box
}

/** `+2 ms`: no more digits than the steps between the ticks need. */
function fromStart({ data }: Model, value: number, step: number): string {
  if (value === 0) return '0'
  if (data.unit === 'cycles') return grouped(value)
  const [size, unit] = step >= 1e8 ? [1e9, 's'] : step >= 1e5 ? [1e6, 'ms'] : step >= 100 ? [1e3, 'µs'] : [1, 'ns']
  const digits = Math.max(0, Math.ceil(-Math.log10(step / (size as number)) - 1e-9))
  return `${value > 0 ? '+' : '−'}${Math.abs(value / (size as number)).toFixed(digits)} ${unit}`
}
