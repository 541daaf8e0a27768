/**
 * Lanes: where each stands, what ran on it as bars, interrupts above it, ticks for events; and which of them is under
 * the pointer.
 */
import { type ScaleLinear, scaleLinear } from 'd3-scale'
import type { LaneData, TimelineData } from '../page-data.js'
import { svg } from './dom.js'
import type { Model } from './model.js'

/** Class and name of each state of a segment (page-data.ts). */
export const STATES = ['idle', 'task', 'vcpu', 'guest', 'host', 'waiting', 'sleeping', 'irq', 'softirq', 'mixed']
export const NAMES = [
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
export const LANE = 26
const HEAD = 26
const BOTTOM = 44

export interface Row {
  lane: LaneData
  index: number
  top: number
}

/** Pixels. The lanes are between `left` and `right`, and end at `foot`. */
export interface Layout {
  rows: readonly Row[]
  x: ScaleLinear<number, number>
  left: number
  right: number
  foot: number
  width: number
  height: number
  /** Names stand above the lanes, not beside them. */
  narrow: boolean
}

export function layoutOf({ lanes }: TimelineData, domain: readonly [number, number], width: number): Layout {
  const narrow = width < 560
  const left = narrow ? 8 : 132
  const rows: Row[] = []
  let top = 8
  let machine = -1
  for (const [index, lane] of lanes.entries()) {
    if (lane.src !== machine) {
      top += machine < 0 ? HEAD - 8 : HEAD
      machine = lane.src
    }
    if (narrow) top += 13
    rows.push({ lane, index, top })
    top += LANE + 5
  }
  const right = width - 10
  return { rows, x: scaleLinear(domain, [left, right]), left, right, foot: top, width, height: top + BOTTOM, narrow }
}

export function laneNames(model: Model, { rows, left, narrow }: Layout, { lane, index, top }: Row): SVGElement[] {
  const first = rows.find((row) => row.lane.src === lane.src)?.index === index
  const machine = model.text(lane.src) || 'machine'
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

function clipped(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name
}

export function laneShapes(model: Model, layout: Layout, { lane, top }: Row): SVGElement[] {
  const { left, right } = layout
  const shapes: SVGElement[] = [
    svg('rect', { class: 'lane', x: left, y: top, width: Math.max(0, right - left), height: LANE }),
  ]
  for (let at = 0; at < lane.segments.length; at += 4)
    shapes.push(...segmentShapes(model, layout, lane.segments, at, top, false))
  for (let at = 0; at < lane.inner.length; at += 4)
    shapes.push(...segmentShapes(model, layout, lane.inner, at, top, true))
  return [...shapes, ...ticks(model, layout, lane, top)]
}

function ticks(model: Model, { x, left, width }: Layout, { marks }: LaneData, top: number): SVGElement[] {
  const paths = ['', '']
  for (let at = 0; at < marks.length; at += 4) {
    const px = x(marks[at] as number)
    if (px < left || px > width) continue
    const strong = isInterrupt(model.text(marks[at + 1] as number)) ? 1 : 0
    paths[strong] += `M${px.toFixed(1)} ${strong ? top - 3 : top + LANE - 5}v${strong ? 9 : 5}`
  }
  return [svg('path', { class: 'ticks', d: paths[0] }), svg('path', { class: 'ticks strong', d: paths[1] })]
}

function segmentShapes(
  model: Model,
  { x, left, width }: Layout,
  list: readonly number[],
  at: number,
  top: number,
  inner: boolean,
): SVGElement[] {
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

/** What injects, delivers or handles an interrupt. */
function isInterrupt(event: string): boolean {
  return /^(kvm_(msi_)?set_irq|kvm_inj_virq|kvm_pic_set_irq|kvm_ioapic_set_irq|irq_handler_entry|irqfd_inject|.*_(local_timer|reschedule)_entry)$/.test(
    event,
  )
}

/** A mark, or a segment of one of the lane's two lists. */
export type Found = { lane: LaneData; mark: number } | { lane: LaneData; segments: readonly number[]; at: number }

export function foundAt(model: Model, { rows, x, left }: Layout, px: number, py: number): Found | null {
  const row = rows.find(({ top }) => py >= top - 4 && py <= top + LANE + 1)
  if (!row || px < left) return null
  const { lane, top } = row
  const mark = markNear(model, x, lane, px, py - top)
  if (mark >= 0) return { lane, mark }
  const time = x.invert(px)
  const inner = py < top + 12 ? segmentAt(lane.inner, time) : -1
  if (inner >= 0) return { lane, segments: lane.inner, at: inner }
  const at = segmentAt(lane.segments, time)
  return at >= 0 ? { lane, segments: lane.segments, at } : null
}

/** Ticks of interrupts are all over the lane; the others only at its foot, else nothing else would be under the pointer. */
function markNear(model: Model, x: Layout['x'], { marks }: LaneData, px: number, down: number): number {
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

function segmentAt(list: readonly number[], time: number): number {
  for (let at = 0; at < list.length; at += 4)
    if ((list[at] as number) <= time && time <= (list[at + 1] as number)) return at
  return -1
}
