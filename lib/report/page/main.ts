/** The page: its data is in the script element `data`; everything else is made here. */
import type { ClockData, PageData } from '../page-data.js'
import { html } from './dom.js'
import { grouped } from './format.js'
import { latencyPicture } from './latency.js'
import { type Model, modelOf, pathName } from './model.js'
import { percentilePicture } from './percentiles.js'
import { slowSection } from './slow.js'
import { table } from './table.js'
import type { Zoom } from './zoom.js'

const data = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as PageData
const model = modelOf(data)
const page = document.getElementById('page') as HTMLElement

if (data.pairs === 0) page.append(header(model), empty(), accounting(model))
else fill()

function fill(): void {
  const latency = latencyPicture(model)
  page.append(
    header(model),
    figures(model),
    card('Latency over time', toolbar(latency.zoom), latency.element, hint()),
    html(
      'div',
      { class: 'columns' },
      card('Percentiles', null, percentilePicture(model)),
      card(data.keyed ? (data.paths.length > 1 ? 'Paths and keys' : 'Keys') : 'Paths', chosen(model), table(model)),
    ),
    card('The slowest', null, slowSection(model)),
    accounting(model),
  )
}

function header({ format }: Model): HTMLElement {
  const machines = [...new Set(data.slow.flatMap(({ from, to }) => [model.text(from.src), model.text(to.src)]))]
  const wall = format.wall(data.from)
  const parts = [
    data.paths.map(pathName).join(', '),
    machines.filter((name) => name !== '').join(' and '),
    data.pairs > 0 ? `${format.short(data.to - data.from)} from ${format.instant(data.from)}` : '',
    wall,
  ]
  const line = html('p', {})
  for (const part of parts.filter((one) => one !== '')) line.append(html('bdi', {}, part))
  return html('header', {}, html('h1', {}, data.title), line)
}

function figures({ format }: Model): HTMLElement {
  const [path, ...others] = data.paths
  const lost = data.losses.reduce((sum, { count }) => sum + (count ?? 0), 0)
  // a percentile of two paths together would be of neither
  const percentileFigures: [string, string][] =
    others.length > 0
      ? [['paths', grouped(data.paths.length)]]
      : [
          ['p50', format.short(path?.percentiles[0] ?? 0)],
          ['p99', format.short(path?.percentiles[2] ?? 0)],
        ]
  const items: [string, string][] = [
    ['pairs', grouped(data.pairs)],
    ...percentileFigures,
    ['max', format.short(Math.max(...data.paths.map(({ max }) => max)))],
    ['lost', data.losses.length === 0 ? 'nothing' : lost > 0 ? `${grouped(lost)} events` : 'unknown'],
    ['clock uncertainty', clockFigure(model)],
  ]
  const list = html('dl', { id: 'figures' })
  for (const [name, value] of items)
    list.append(
      html(
        'div',
        { class: name === 'lost' && data.losses.length > 0 ? 'alarm' : '' },
        html('dt', {}, name),
        html('dd', {}, value),
      ),
    )
  return list
}

/** How far one clock may be off, at the most that is known. */
function clockFigure({ format }: Model): string {
  const [clock] = data.clocks
  if (!clock) return 'none known'
  const { low, high } = clock
  const part = (value: number) => `${value < 0 ? '−' : '+'}${format.short(Math.abs(value))}`
  if (low !== undefined && high !== undefined) return `${part(low)} … ${part(high)}`
  return high !== undefined ? `? … ${part(high)}` : `${part(low ?? 0)} … ?`
}

function clockLine({ src, other, low, high, by }: ClockData): string {
  const { text, format } = model
  const range =
    low !== undefined && high !== undefined
      ? `from ${format.exact(low)} to ${format.exact(high)}`
      : high !== undefined
        ? `at most ${format.exact(high)}; in the other direction nothing is known`
        : `at least ${format.exact(low ?? 0)}; in the other direction nothing is known`
  return `Clocks: to the times of ${text(src)}${text(other) === '' ? '' : `, held against those of ${text(other)},`} may have to be added ${range} (${text(by)}).`
}

function card(title: string, tools: HTMLElement | null, ...content: HTMLElement[]): HTMLElement {
  return html(
    'section',
    {},
    html('div', { class: 'title' }, html('h2', {}, title), ...(tools ? [tools] : [])),
    ...content,
  )
}

function toolbar(zoom: Zoom): HTMLElement {
  const button = (name: string, label: string, action: () => void) => {
    const made = html('button', { type: 'button', title: label, 'aria-label': label }, name)
    made.addEventListener('click', action)
    return made
  }
  return html(
    'div',
    { class: 'tools' },
    button('+', 'zoom in', () => zoom.by(2)),
    button('−', 'zoom out', () => zoom.by(0.5)),
    button('all', 'show all', () => zoom.reset()),
  )
}

/** What is shown alone, and the way back. */
function chosen(model: Model): HTMLElement {
  const button = html('button', { type: 'button', hidden: '' })
  button.addEventListener('click', () => model.choose(null))
  model.onChange(() => {
    button.hidden = model.series === null
    button.textContent = model.series === null ? '' : 'show all'
  })
  return html('div', { class: 'tools' }, button)
}

function hint(): HTMLElement {
  const points = data.points.points.length / 3
  const shown =
    points < data.points.of ? `Points: ${grouped(points)} of ${grouped(data.points.of)} pairs` : 'Each point is a pair'
  return html(
    'p',
    { class: 'hint' },
    `${shown}; blue cells tell how many. Rings are the slowest: choose one for its timeline. `,
    html(
      'span',
      { class: 'wide' },
      'Drag, pinch or Ctrl+wheel to zoom, double-click for all. Keys: ← → + − 0, n p, Enter, Esc.',
    ),
  )
}

function empty(): HTMLElement {
  return html('section', {}, html('p', { class: 'none' }, 'There are no pairs in the stream.'))
}

function accounting({ data }: Model): HTMLElement {
  const list = html('ul', { id: 'account' }, ...data.account.map((line) => html('li', {}, html('bdi', {}, line))))
  for (const clock of data.clocks) list.append(html('li', {}, html('bdi', {}, clockLine(clock))))
  const notes = html('ul', { id: 'notes' }, ...data.notes.map((line) => html('li', {}, line)))
  const made = html('p', { class: 'made' }, `vmpipe ${data.version}`)
  return card('Account', null, list, notes, made)
}
