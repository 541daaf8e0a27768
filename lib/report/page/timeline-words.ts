/** A timeline in words: what is under the pointer, the legend, the list of events. */
import type { LaneData, SlowData, TimelineData } from '../page-data.js'
import { html } from './dom.js'
import { grouped } from './format.js'
import { NAMES, STATES } from './lanes.js'
import type { Model } from './model.js'

/** An event at `at` in the marks of a lane. */
export interface Event {
  lane: number
  at: number
  time: number
}

export function eventWords(model: Model, slow: SlowData, lane: LaneData, at: number): string[] {
  const [time, event, task, text] = lane.marks.slice(at, at + 4) as [number, number, number, number]
  return [
    `${sign(time, model)} ${model.text(event)}`,
    laneName(lane, model),
    model.text(task),
    ...(model.text(text) ? [model.text(text)] : []),
    model.format.instant(slow.start + time),
  ]
}

/** The segment at `at` of the lane's segments, or of its inner ones. */
export function segmentWords(model: Model, lane: LaneData, segments: readonly number[], at: number): string[] {
  const [from, to, state, text] = segments.slice(at, at + 4) as [number, number, number, number]
  const name = NAMES[state] ?? ''
  return [
    model.text(text) || name,
    ...(model.text(text) ? [name] : []),
    laneName(lane, model),
    `${model.format.short(to - from)}, ${sign(from, model)} to ${sign(to, model)}`,
  ]
}

function sign(time: number, { format }: Model): string {
  return time === 0 ? '0' : `${time > 0 ? '+' : '−'}${format.short(Math.abs(time))}`
}

function laneName({ src, kind, number, thread }: LaneData, { text }: Model): string {
  return kind === 'vcpu' ? `${text(src)}, thread ${thread} of vCPU ${number}` : `${text(src)} CPU ${number}`
}

/** All events in the order of time. */
export function eventsOf({ lanes }: TimelineData): Event[] {
  return lanes
    .flatMap(({ marks }, lane) =>
      Array.from({ length: marks.length / 4 }, (_, i) => ({ lane, at: i * 4, time: marks[i * 4] as number })),
    )
    .sort((a, b) => a.time - b.time)
}

export function legend({ lanes }: TimelineData, { least, most }: SlowData): HTMLElement {
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
export function eventList(model: Model, timeline: TimelineData): HTMLElement {
  const events = eventsOf(timeline)
  const all = timeline.events === events.length ? '' : ` of ${grouped(timeline.events)}`
  const lanes = timeline.hidden > 0 ? `; ${timeline.hidden} lanes with fewer events are not drawn` : ''
  const details = html(
    'details',
    { id: 'events' },
    html('summary', {}, `${grouped(events.length)}${all} events${lanes}`),
  )
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return
    const body = html('tbody')
    for (const { lane, at, time } of events) {
      const of = timeline.lanes[lane] as LaneData
      const [, event, task, text] = of.marks.slice(at, at + 4) as [number, number, number, number]
      const cells = [sign(time, model), laneName(of, model), model.text(task), model.text(event), model.text(text)]
      body.append(html('tr', {}, ...cells.map((cell) => html('td', {}, html('bdi', {}, cell)))))
    }
    details.append(html('div', { class: 'scroll' }, html('table', {}, body)))
  })
  return details
}
