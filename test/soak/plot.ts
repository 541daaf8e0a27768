/** The plot of a soak: memory of each process, descriptors, pairs a second, and when there was which trouble. */
import { scaleLinear, scaleOrdinal } from 'd3-scale'
import { line } from 'd3-shape'
import type { Run } from './figures.js'

const WIDTH = 960
const LEFT = 60
const RIGHT = 130
const COLOURS = [
  '#4269d0',
  '#efb118',
  '#ff725c',
  '#6cc5b0',
  '#3ca951',
  '#ff8ab7',
  '#a463f2',
  '#97bbf5',
  '#9c6b4e',
  '#9498a0',
]
const MOST_POINTS = 400
/** Between marks of the time, in seconds. */
const STEPS = [2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10_800]

interface Panel {
  title: string
  top: number
  height: number
  most: number
}

type Points = [t: number, y: number][]

export function plot(run: Run): string {
  const { seconds, lives, calls, troubles } = run
  const x = scaleLinear([0, seconds], [LEFT, WIDTH - RIGHT])
  const colour = scaleOrdinal(
    lives.map(({ process }) => process),
    COLOURS,
  )
  const measured = lives.filter(({ process }) => process !== 'load')
  const most = (of: (life: (typeof lives)[number]) => number[]) => Math.max(...measured.flatMap(of))
  const memory = panel({
    title: 'RSS, MiB',
    top: 40,
    height: 300,
    most: most(({ samples }) => samples.map((s) => s.rss_kib)) / 1024,
  })
  const fds = panel({
    title: 'descriptors',
    top: 380,
    height: 90,
    most: most(({ samples }) => samples.map((s) => s.fds)),
  })
  const rates: Points = calls.slice(1).map(([t, pairs], i) => {
    const [t0, pairs0] = calls[i] as [number, number]
    return [t, (pairs - pairs0) / (t - t0)]
  })
  const rate = panel({ title: 'pairs a second', top: 510, height: 90, most: Math.max(...rates.map(([, y]) => y), 1) })
  const kinds = [...new Set(troubles.map(({ what }) => what))].filter((what) => what !== 'load')
  const drawn = (y: Scale, points: Points, stroke: string) =>
    `<path fill="none" stroke="${stroke}" d="${line<[number, number]>(
      ([t]) => x(t),
      ([, v]) => y(v),
    ).digits(1)(thinned(points))}"/>`
  const height = 640 + 16 * kinds.length + 30

  function panel({ title, top, height, most }: Panel): Scale & { axes: string } {
    const y = scaleLinear([0, most], [top + height, top]).nice(4)
    const rows = y.ticks(4).map((value) => {
      const at = y(value)
      return `<path stroke="#ddd" d="M${LEFT},${at}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${value}</text>`
    })
    return Object.assign(y, { axes: `<text x="${LEFT}" y="${top - 8}" class="title">${title}</text>${rows.join('')}` })
  }

  const legend = measured.map(
    ({ process }, i) =>
      `<rect x="${WIDTH - RIGHT + 14}" y="${44 + 18 * i}" width="10" height="10" fill="${colour(process)}"/><text x="${WIDTH - RIGHT + 30}" y="${53 + 18 * i}">${process}</text>`,
  )
  const marks = kinds.map((kind, i) => {
    const y = 640 + 16 * i
    const ticks = troubles.filter(({ what }) => what === kind).map(({ at }) => `M${x(at).toFixed(1)},${y}v10`)
    return `<path stroke="#c33" d="${ticks.join('')}"/><text x="${WIDTH - RIGHT + 14}" y="${y + 9}">${kind}</text>`
  })
  const step = STEPS.find((length) => seconds / length <= 12) ?? 36_000
  const minutes = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step).map(
    (t) => `<text x="${x(t)}" y="${height - 8}" text-anchor="middle">${clockText(t, seconds)}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#333">`,
    '<title>Memory, descriptors, pairs a second and troubles over time</title>',
    `<style>.title{font-weight:bold}</style><rect width="100%" height="100%" fill="#fff"/>`,
    memory.axes,
    ...measured.map(({ process, samples }) =>
      drawn(
        memory,
        samples.map((s) => [s.t, s.rss_kib / 1024]),
        colour(process),
      ),
    ),
    ...legend,
    fds.axes,
    ...measured.map(({ process, samples }) =>
      drawn(
        fds,
        samples.map((s) => [s.t, s.fds]),
        colour(process),
      ),
    ),
    rate.axes,
    drawn(rate, rates, '#4269d0'),
    `<text x="${LEFT}" y="632" class="title">troubles</text>`,
    ...marks,
    ...minutes,
    '</svg>\n',
  ].join('\n')
}

type Scale = ReturnType<typeof scaleLinear<number, number>>

/** The highest of each stretch: a spike is not to be lost. */
function thinned(points: Points): Points {
  const size = Math.ceil(points.length / MOST_POINTS)
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size).reduce((a, b) => (b[1] > a[1] ? b : a)),
  )
}

function clockText(t: number, length: number): string {
  if (length < 300) return `${t} s`
  return length < 10_800 ? `${Math.round(t / 60)} min` : `${(t / 3600).toFixed(1)} h`
}
