/** The slowest pairs: a list to choose from, and the timeline of the one that is chosen. */
import type { SlowData, SplitData } from '../page-data.js'
import { html } from './dom.js'
import { percent } from './format.js'
import { isDrawn, type Model, pathName, placeName } from './model.js'
import { timelinePicture } from './timeline.js'

export function slowSection(model: Model): HTMLElement {
  const list = html('ol', { id: 'slowest', 'aria-label': 'The slowest pairs' })
  const detail = html('div', { class: 'detail' })

  function drawList(): void {
    const focused = document.activeElement?.closest('#slowest') !== null && document.activeElement !== null
    list.replaceChildren(
      ...model.data.slow.map((slow, i) =>
        model.series === null || model.series === slow.series || i === model.slow ? entry(model, slow, i) : '',
      ),
    )
    if (focused) list.querySelector<HTMLElement>('[aria-current=true]')?.focus()
  }

  function drawDetail(): void {
    const slow = model.data.slow[model.slow]
    detail.replaceChildren(...(slow ? [heading(model, slow), ...story(model, slow), timelinePicture(model, slow)] : []))
  }

  list.addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key]
    if (event.key === 'Enter') document.getElementById('timeline')?.focus()
    if (by === undefined) return
    event.preventDefault()
    const buttons = [...list.querySelectorAll<HTMLElement>('button')]
    const next = buttons[buttons.indexOf(document.activeElement as HTMLElement) + by]
    if (next) model.look(Number(next.dataset.slow))
  })
  let drawn = -1
  model.onChange(() => {
    drawList()
    if (drawn !== model.slow) drawDetail()
    drawn = model.slow
  })
  drawList()
  drawDetail()
  return html('div', { class: 'slow' }, list, detail)
}

function entry(model: Model, slow: SlowData, i: number): HTMLElement {
  const { format, data } = model
  const current = i === model.slow
  const button = html('button', { type: 'button', 'aria-current': String(current), 'data-slow': i })
  button.append(html('b', {}, format.short(slow.delta)))
  if (data.keyed || data.paths.length > 1) button.append(html('bdi', { class: 'key' }, model.nameOf(slow.series)))
  button.append(html('span', { class: 'when' }, format.instant(slow.start)))
  if (slow.timeline?.split && isDrawn(slow)) button.append(splitBar(slow.timeline.split, slow.delta))
  button.addEventListener('click', () => model.look(i))
  return html('li', {}, button)
}

const states = ['waiting', 'host', 'running', 'sleeping', 'guest'] as const

function splitBar(split: SplitData, delta: number): HTMLElement {
  const bar = html('span', { class: 'split' })
  for (const state of states) {
    const part = html('i', { class: state })
    part.style.width = `${(split[state] / Math.max(1, delta)) * 100}%`
    bar.append(part)
  }
  return bar
}

function heading(model: Model, { delta, series, from, to }: SlowData): HTMLElement {
  const of = model.data.series[series]
  return html(
    'h3',
    {},
    `${model.format.exact(delta)} `,
    html('bdi', {}, of?.key === undefined ? '' : model.nameOf(series)),
    html('small', {}, `${of ? pathName(of) : ''}, ${placeName(model, from)} to ${placeName(model, to)}`),
  )
}

/** What the picture shows, in a sentence or two. */
function story(model: Model, slow: SlowData): HTMLElement[] {
  const { format, text } = model
  const { timeline, delta, least, most } = slow
  const said: (Node | string)[] = []
  if (timeline?.split) {
    const { vcpu, thread, waiting, guest, host, running, sleeping, instead } = timeline.split
    const part = (time: number, what: string) =>
      time > 0 ? `${format.short(time)} (${percent(time / delta)}) ${what}` : ''
    const parts = [
      part(waiting, 'runnable without a CPU'),
      part(host, 'in the host on its behalf'),
      part(guest, 'in the guest'),
      part(running, 'running, in the guest or for it'),
      part(sleeping, 'asleep'),
    ].filter((one) => one !== '')
    if (parts.length > 0) said.push(`vCPU ${vcpu} (thread ${thread}) was ${parts.join(', ')}. `)
    const ran: (Node | string)[] = []
    for (let at = 0; at < instead.length; at += 2)
      ran.push(
        at > 0 ? ', ' : '',
        html('bdi', {}, text(instead[at] as number)),
        ` ${format.short(instead[at + 1] as number)}`,
      )
    if (waiting > 0 && ran.length > 0) said.push('While it waited its CPU ran: ', ...ran, '. ')
  }
  if (timeline && !isDrawn(slow))
    said.push('What ran then is not known: the stream has no sched_switch and no kvm_entry of that time. ')
  if (least !== undefined || most !== undefined)
    said.push(
      `As far as the clocks are known, the latency was ${least === undefined ? '' : `at least ${format.exact(least)}`}${least !== undefined && most !== undefined ? ' and ' : ''}${most === undefined ? '' : `at most ${format.exact(most)}`}. `,
    )
  return said.length > 0 ? [html('p', { class: 'story' }, ...said)] : []
}
