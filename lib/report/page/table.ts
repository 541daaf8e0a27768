/** The table: a row for each path, and for each key of it. A row chosen is shown alone in the pictures. */
import type { LatencyData } from '../page-data.js'
import { html } from './dom.js'
import { grouped } from './format.js'
import { type Model, pathName } from './model.js'

type Row = LatencyData & { key?: string; path?: number }

interface Column {
  name: string
  of(row: Row): number
  time: boolean
}

const columns: Column[] = [
  { name: 'calls', of: (row) => row.calls, time: false },
  { name: 'total', of: (row) => Number(row.total), time: true },
  { name: 'min', of: (row) => row.min, time: true },
  ...['p50', 'p95', 'p99', 'p99.9'].map((name, i) => ({
    name,
    of: (row: Row) => row.percentiles[i] ?? 0,
    time: true,
  })),
  { name: 'max', of: (row) => row.max, time: true },
]

export function table(model: Model): HTMLElement {
  const { data, format } = model
  const { unit, cell } = format.column(data.series.map(({ percentiles }) => percentiles[0] ?? 0))
  const body = html('tbody')
  let sorted = 1

  function draw(): void {
    body.replaceChildren()
    const by = columns[sorted] as Column
    for (const [path, of] of data.paths.entries()) {
      const keys = data.series.map((row, series) => ({ row, series })).filter(({ row }) => row.path === path)
      const alone = keys.length === 1 && keys[0]?.row.key === undefined
      const name = data.paths.length > 1 || !data.keyed ? pathName(of) : 'all keys'
      body.append(rowOf(name, of, alone ? (keys[0]?.series ?? null) : null, true))
      if (alone) continue
      for (const { row, series } of keys.toSorted((a, b) => by.of(b.row) - by.of(a.row)))
        body.append(rowOf(row.key ?? '(no key)', row, series, false))
    }
  }

  function rowOf(name: string, row: Row, series: number | null, isPath: boolean): HTMLElement {
    const chosen = series !== null && model.series === series
    const swatch = html('i', { class: `swatch ${series === null ? 'all' : model.colourOf(series)}` })
    const button = html(
      'button',
      { type: 'button', title: name, 'aria-pressed': String(chosen) },
      swatch,
      html('bdi', {}, name),
    )
    button.addEventListener('click', () => model.choose(chosen ? null : series))
    const line = html('tr', { class: `${isPath ? 'path' : 'key'}${chosen ? ' chosen' : ''}` })
    line.append(html('th', { scope: 'row' }, button))
    for (const { name, of, time } of columns) {
      const value = of(row)
      const exact = name === 'total' ? format.exact(Number(row.total)) : format.exact(value)
      line.append(html('td', { title: time ? exact : undefined }, time ? cell(value) : grouped(value)))
    }
    return line
  }

  const head = html('tr', {}, html('th', { scope: 'col' }, data.paths.length > 1 || !data.keyed ? 'path' : 'key'))
  for (const [i, { name, time }] of columns.entries()) {
    const button = html('button', { type: 'button', title: `sort by ${name}` }, time ? `${name} ` : name)
    if (time) button.append(html('small', {}, unit))
    button.addEventListener('click', () => {
      sorted = i
      for (const th of head.children) th.removeAttribute('aria-sort')
      head.children[i + 1]?.setAttribute('aria-sort', 'descending')
      draw()
    })
    head.append(html('th', { scope: 'col', ...(i === sorted ? { 'aria-sort': 'descending' } : {}) }, button))
  }
  draw()
  model.onChange(draw)
  const focus = html('div', {
    class: 'scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Latency of each path and key',
  })
  focus.append(html('table', { id: 'table' }, html('thead', {}, head), body))
  return focus
}
