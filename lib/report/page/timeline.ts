/**
 * The timeline of a slow pair: a lane for each CPU and each vCPU thread, the host's above and the guests' below; what
 * ran there, interrupts above it, ticks for events. The pair is the arrow from its start to its end; a bracket at
 * the arrow's head is what the clocks leave uncertain.
 */
import { type ScaleLinear, scaleLinear } from 'd3-scale'
import type { LaneData, SlowData, TimelineData } from '../page-data.js'
import { timeAxis } from './axes.js'
import { html, onWidth, svg } from './dom.js'
import { grouped } from './format.js'
import type { Model } from './model.js'
import { xOf, yOf, zoomOf } from './zoom.js'

const STATES = ['idle', 'task', 'vcpu', 'guest', 'host', 'waiting', 'sleeping', 'irq', 'softirq', 'mixed']
const NAMES = [
  'idle',
  'a task runs',
  'a vCPU’s thread runs',
  'in the guest',
  'in the host, for the guest',
  'runnable, not running',
  'asleep',
  'interrupt',
  'softirq',
  'several, too short to draw',
]
const LANE = 26
const HEAD = 26
const BOTTOM = 44

interface Row {
  lane: LaneData
  index: number
  top: number
}

export function timelinePicture(model: Model, slow: SlowData): HTMLElement {
  const { timeline } = slow
  if (!timeline)
    return html('p', { class: 'none' }, 'No events of this time are in the stream; pair --events passes them on.')
  const element = html('div', {}, picture(model, slow, timeline), legend(timeline, slow), eventList(model, timeline))
  return element
}

function picture(model: Model, slow: SlowData, timeline: TimelineData): HTMLElement {
  const { format, tip } = model
  const drawing = svg('svg', {
    class: 'picture',
    id: 'timeline',
    tabindex: 0,
    role: 'application',
    'aria-label':
      'What both machines did. Arrow keys move, plus and minus zoom, 0 shows all, n and p go through the events.',
  })
  const box = html('div', { class: 'plot' }, drawing)
  const rows: Row[] = []
  let x: ScaleLinear<number, number> = scaleLinear()
  let left = 0
  let width = 0
  let height = 0
  let cursor = -1
  let brushed: readonly [number, number] | null = null
  const marks = marksOf(timeline)

  const zoom = zoomOf({
    element: drawing,
    inner: () => ({ left, right: width - 10 }),
    extent: [timeline.from, timeline.to],
    least: Math.max(10, (timeline.to - timeline.from) / 1e6),
    changed: () => draw(width),
    brush(range) {
      brushed = range
      drawBrush()
    },
  })

  function place(): void {
    rows.length = 0
    const narrow = width < 560
    left = narrow ? 8 : 132
    let top = 8
    let machine = -1
    for (const [index, lane] of timeline.lanes.entries()) {
      if (lane.src !== machine) {
        top += machine < 0 ? HEAD - 8 : HEAD
        machine = lane.src
      }
      if (narrow) top += 13
      rows.push({ lane, index, top })
      top += LANE + 5
    }
    height = top + BOTTOM
    x = scaleLinear([zoom.from, zoom.to], [left, width - 10])
  }

  function draw(to: number): void {
    width = to
    place()
    drawing.setAttribute('viewBox', `0 0 ${width} ${height}`)
    drawing.setAttribute('width', String(width))
    drawing.setAttribute('height', String(height))
    const clip = svg('clipPath', { id: 'timeline-clip' })
    clip.append(svg('rect', { x: left, y: 0, width: Math.max(0, width - 10 - left), height: height - BOTTOM + 3 }))
    const inner = svg('g', { 'clip-path': 'url(#timeline-clip)' })
    inner.append(band(), ...rows.flatMap((row) => laneShapes(row)), ...unknown(), ...losses(), ...arrow())
    const axis = timeAxis(x, height - BOTTOM + 3, fromStart, 'from the start of the pair')
    drawing.replaceChildren(
      svg('defs', {}, clip, head()),
      ...rows.flatMap((row) => labels(row)),
      axis,
      inner,
      svg('g', { class: 'brush' }),
    )
    drawBrush()
  }

  function fromStart(value: number, step: number): string {
    if (value === 0) return '0'
    if (model.data.unit === 'cycles') return grouped(value)
    const [size, unit] = step >= 1e8 ? [1e9, 's'] : step >= 1e5 ? [1e6, 'ms'] : step >= 100 ? [1e3, 'µs'] : [1, 'ns']
    const digits = Math.max(0, Math.ceil(-Math.log10(step / (size as number)) - 1e-9))
    return `${value > 0 ? '+' : '−'}${Math.abs(value / (size as number)).toFixed(digits)} ${unit}`
  }

  function band(): SVGElement {
    return svg('rect', {
      class: 'band',
      x: x(0),
      y: 4,
      width: Math.max(1, x(slow.delta) - x(0)),
      height: height - BOTTOM - 1,
    })
  }

  function labels({ lane, index, top }: Row): SVGElement[] {
    const first = rows.find((row) => row.lane.src === lane.src)?.index === index
    const machine = model.text(lane.src) || 'machine'
    const narrow = left < 100
    const name =
      lane.kind === 'vcpu'
        ? `vCPU ${lane.number}${lane.vm === undefined ? '' : ` of ${model.text(lane.vm)}`}, ${lane.thread}`
        : `CPU ${lane.number}`
    const at = narrow ? { x: left, y: top - 3 } : { x: left - 10, y: top + LANE / 2 + 4, 'text-anchor': 'end' }
    const shapes: SVGElement[] = [svg('text', { class: `lane-name ${lane.kind}`, ...at }, name)]
    if (first)
      shapes.push(svg('text', { class: 'machine', x: narrow ? left : 8, y: top - (narrow ? 19 : 8) }, clipped(machine)))
    return shapes
  }

  function laneShapes({ lane, top }: Row): SVGElement[] {
    const shapes: SVGElement[] = [
      svg('rect', { class: 'lane', x: left, y: top, width: Math.max(0, width - 10 - left), height: LANE }),
    ]
    for (let at = 0; at < lane.segments.length; at += 4) shapes.push(...segment(lane.segments, at, top, false))
    for (let at = 0; at < lane.inner.length; at += 4) shapes.push(...segment(lane.inner, at, top, true))
    const ticks = ['', '']
    for (let at = 0; at < lane.marks.length; at += 4) {
      const px = x(lane.marks[at] as number)
      if (px < left || px > width) continue
      const strong = isInterrupt(model.text(lane.marks[at + 1] as number)) ? 1 : 0
      ticks[strong] += `M${px.toFixed(1)} ${strong ? top - 3 : top + LANE - 5}v${strong ? 9 : 5}`
    }
    shapes.push(svg('path', { class: 'ticks', d: ticks[0] }), svg('path', { class: 'ticks strong', d: ticks[1] }))
    return shapes
  }

  function segment(list: number[], at: number, top: number, inner: boolean): SVGElement[] {
    const [from, to, state, text] = list.slice(at, at + 4) as [number, number, number, number]
    const [a, b] = [Math.max(left, x(from)), Math.min(width, x(to))]
    if (b < left || a > width || STATES[state] === 'idle') return []
    const shape = svg('rect', {
      class: `segment ${STATES[state]}`,
      x: a,
      y: inner ? top : top + 3,
      width: Math.max(inner ? 1.5 : 0.7, b - a),
      height: inner ? 11 : LANE - 6,
      rx: b - a > 6 ? 2 : undefined,
    })
    const label = model.text(text) || (STATES[state] === 'waiting' ? 'runnable, not running' : '')
    if (inner || b - a < label.length * 6.7 + 10 || label === '') return [shape]
    return [shape, svg('text', { class: `in ${STATES[state]}`, x: a + 5, y: top + LANE / 2 + 4 }, label)]
  }

  /** What was no longer held, and what was too much to hold. */
  function unknown(): SVGElement[] {
    const { cut, gap } = timeline
    const parts: [number, number][] = [
      ...(cut === undefined ? [] : [[timeline.from, cut] as [number, number]]),
      ...(gap ? [gap] : []),
    ]
    return parts.map(([from, to]) =>
      svg(
        'rect',
        { class: 'unknown', x: x(from), y: 4, width: Math.max(0, x(to) - x(from)), height: height - BOTTOM - 1 },
        svg('title', {}, 'events of this stretch are left out'),
      ),
    )
  }

  function losses(): SVGElement[] {
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

  function middle(index: number): number {
    const row = rows[index]
    return row ? row.top + LANE / 2 : height - BOTTOM - 12
  }

  function arrow(): SVGElement[] {
    const [a, b] = [x(0), x(slow.delta)]
    const [from, to] = [middle(timeline.startLane), middle(timeline.endLane)]
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

  function drawBrush(): void {
    const group = drawing.querySelector('.brush')
    const [a, b] = brushed ? [Math.min(...brushed), Math.max(...brushed)] : [0, 0]
    group?.replaceChildren(...(brushed ? [svg('rect', { x: a, y: 4, width: b - a, height: height - BOTTOM })] : []))
  }

  function under(px: number, py: number): string[] | null {
    const row = rows.find(({ top }) => py >= top - 4 && py <= top + LANE + 1)
    if (!row || px < left) return null
    const near = markNear(row.lane, px, py - row.top)
    if (near >= 0) return markLines(row.lane, near)
    const at = x.invert(px)
    const inner = py < row.top + 12 ? segmentAt(row.lane.inner, at) : -1
    if (inner >= 0) return segmentLines(row.lane, row.lane.inner, inner)
    const found = segmentAt(row.lane.segments, at)
    return found >= 0 ? segmentLines(row.lane, row.lane.segments, found) : null
  }

  /** Ticks of interrupts are all over the lane; the others only at its foot, else nothing else would be under the pointer. */
  function markNear({ marks }: LaneData, px: number, down: number): number {
    let best = -1
    let nearest = 4
    for (let at = 0; at < marks.length; at += 4) {
      const away = Math.abs(x(marks[at] as number) - px)
      if (away >= nearest || (down < LANE - 9 && !isInterrupt(model.text(marks[at + 1] as number)))) continue
      nearest = away
      best = at
    }
    return best
  }

  function markLines(lane: LaneData, at: number): string[] {
    const [time, event, task, text] = lane.marks.slice(at, at + 4) as [number, number, number, number]
    return [
      `${sign(time, model)} ${model.text(event)}`,
      laneName(lane, model),
      model.text(task),
      ...(model.text(text) ? [model.text(text)] : []),
      format.instant(slow.start + time),
    ]
  }

  function segmentLines(lane: LaneData, list: number[], at: number): string[] {
    const [from, to, state, text] = list.slice(at, at + 4) as [number, number, number, number]
    const name = NAMES[state] ?? ''
    return [
      model.text(text) || name,
      ...(model.text(text) ? [name] : []),
      laneName(lane, model),
      `${format.short(to - from)}, ${sign(from, model)} to ${sign(to, model)}`,
    ]
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
    cursor = Math.max(0, Math.min(marks.length - 1, key === 'n' ? cursor + 1 : cursor - 1))
    const mark = marks[cursor]
    const row = mark && rows[mark.lane]
    if (!mark || !row) return
    if (mark.time < zoom.from || mark.time > zoom.to)
      zoom.pan((mark.time - (zoom.from + zoom.to) / 2) / (zoom.to - zoom.from))
    const { left: pageLeft, top } = drawing.getBoundingClientRect()
    tip.show(pageLeft + x(mark.time), top + row.top + LANE, markLines(row.lane, mark.at))
  })
  onWidth(box, draw)
  return box
}

function clipped(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name
}

function sign(time: number, { format }: Model): string {
  return time === 0 ? '0' : `${time > 0 ? '+' : '−'}${format.short(Math.abs(time))}`
}

function laneName({ src, kind, number, thread }: LaneData, { text }: Model): string {
  return kind === 'vcpu' ? `${text(src)}, thread ${thread} of vCPU ${number}` : `${text(src)} CPU ${number}`
}

/** What injects, delivers or handles an interrupt. */
function isInterrupt(event: string): boolean {
  return /^(kvm_(msi_)?set_irq|kvm_inj_virq|kvm_pic_set_irq|kvm_ioapic_set_irq|irq_handler_entry|irqfd_inject|.*_(local_timer|reschedule)_entry)$/.test(
    event,
  )
}

function segmentAt(list: number[], time: number): number {
  for (let at = 0; at < list.length; at += 4)
    if ((list[at] as number) <= time && time <= (list[at + 1] as number)) return at
  return -1
}

/** All marks in the order of time. */
function marksOf({ lanes }: TimelineData): { lane: number; at: number; time: number }[] {
  return lanes
    .flatMap(({ marks }, lane) =>
      Array.from({ length: marks.length / 4 }, (_, i) => ({ lane, at: i * 4, time: marks[i * 4] as number })),
    )
    .sort((a, b) => a.time - b.time)
}

function head(): SVGElement {
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

function legend({ lanes }: TimelineData, { least, most }: SlowData): HTMLElement {
  const seen = new Set<number>()
  for (const { segments, inner } of lanes)
    for (const list of [segments, inner]) for (let at = 2; at < list.length; at += 4) seen.add(list[at] as number)
  const item = (swatch: string, name: string) => html('li', {}, html('i', { class: `swatch ${swatch}` }), name)
  const states = [...seen].filter((state) => state !== 0).sort((a, b) => a - b)
  return html(
    'ul',
    { class: 'legend' },
    ...states.map((state) => item(STATES[state] ?? '', NAMES[state] ?? '')),
    item('tick', 'interrupt injected, or handled'),
    ...(least === undefined && most === undefined ? [] : [item('bracket', 'where the clocks may have the end')]),
  )
}

/** Made only when it is opened. */
function eventList(model: Model, timeline: TimelineData): HTMLElement {
  const marks = marksOf(timeline)
  const all = timeline.events === marks.length ? '' : ` of ${grouped(timeline.events)}`
  const lanes = timeline.hidden > 0 ? `; ${timeline.hidden} lanes with fewer events are not drawn` : ''
  const details = html(
    'details',
    { id: 'events' },
    html('summary', {}, `${grouped(marks.length)}${all} events${lanes}`),
  )
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return
    const body = html('tbody')
    for (const { lane, at, time } of marks) {
      const of = timeline.lanes[lane] as LaneData
      const [, event, task, text] = of.marks.slice(at, at + 4) as [number, number, number, number]
      const cells = [sign(time, model), laneName(of, model), model.text(task), model.text(event), model.text(text)]
      body.append(html('tr', {}, ...cells.map((cell) => html('td', {}, html('bdi', {}, cell)))))
    }
    details.append(html('div', { class: 'scroll' }, html('table', {}, body)))
  })
  return details
}
