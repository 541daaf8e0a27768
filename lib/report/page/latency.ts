/**
 * Latency over time: cells of how many pairs, points for single ones, rings around the slowest, and where events were
 * lost. Time is that of a pair's end.
 */
import { timeAxis, valueAxis } from './axes.js'
import { html, onWidth, svg } from './dom.js'
import { cells, dots, hatch, lossMarks, margin, type View, viewOf } from './latency-shapes.js'
import { latencyWords, slowWords } from './latency-words.js'
import type { Model } from './model.js'
import { rings } from './rings.js'
import { xOf, yOf, type Zoom, zoomOf } from './zoom.js'

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

  let view: View = viewOf(model, [zoom.from, zoom.to], 600)

  function draw(width: number): void {
    view = viewOf(model, [zoom.from, zoom.to], width)
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
    const lines = latencyWords(model, view, x, y, slowNear(x, y))
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
    tip.show(left + view.x(end), top + view.y(Math.max(1, delta)), slowWords(model, next))
  }

  function endOf(i: number): number {
    const slow = data.slow[i]
    return slow ? slow.start + slow.delta : 0
  }

  model.onChange(() => draw(view.width))
  onWidth(box, draw)
  return { element: box, zoom }
}
