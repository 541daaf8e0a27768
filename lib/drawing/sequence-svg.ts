/**
 * Sequences as one SVG file that needs nothing else: no script, no font, no link. It follows the light or dark scheme of who looks at it.
 *
 * A lifeline for each participant, an arrow or a note for each step, and beside it its time, with a bar as long as
 * its share of the longest. Widths of texts are estimated, as no font is at hand: px at 13 px, rather too wide.
 */
import { LONGEST_LABEL, participants, type Sequence, type Step } from './sequence.js'
import { short } from './visible.js'

const ROW = 34
const MARGIN = 24
const BAR = 140

/** Han, Hangul, kana, what is as wide, and pictures. */
const WIDE = /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\uffef\u{1f000}-\u{3ffff}]/u

const STYLE = [
  'text{font:13px system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif;fill:#1f2328}.t{font-size:16px;font-weight:600}',
  '.s{fill:#59636e;font-size:12px}.m{text-anchor:middle}.p{fill:#fff}.b{fill:#f6f8fa;stroke:#8c959f}.n{fill:#fff8c5;stroke:#d4a72c}',
  '.l{stroke:#afb8c1;stroke-dasharray:4 4}.a{stroke:#1f2328;fill:none}.h{fill:#1f2328}.k{fill:#eaeef2}.v{fill:#0969da}',
  '@media (prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.p{fill:#0d1117}.b{fill:#151b23;stroke:#656c76}.n{fill:#2b2410;stroke:#9e6a03}',
  '.l{stroke:#3d444d}.a{stroke:#e6edf3}.h{fill:#e6edf3}.k{fill:#262c36}.v{fill:#4493f8}}',
].join('')

/** Below one another; of none: an empty picture. */
export function sequencesSvg(sequences: readonly Sequence[]): string {
  const drawn = sequences.map(draw)
  const width = Math.max(1, ...drawn.map((one) => one.width))
  let height = 0
  const groups = drawn.map((one) => {
    const group = `<g transform="translate(0 ${height})">\n${one.parts.join('\n')}\n</g>`
    height += one.height
    return group
  })
  const name = xml(short(sequences[0]?.title ?? '', 2 * LONGEST_LABEL))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${name}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="p" width="${width}" height="${height}"/>`,
    ...groups,
    '</svg>\n',
  ].join('\n')
}

interface Drawn {
  parts: string[]
  width: number
  height: number
}

function draw({ title, steps, remarks }: Sequence): Drawn {
  const names = participants(steps)
  const at = lanes(names, steps)
  const times = Math.max(...steps.map((step) => widthOf(timeOf(step))))
  const right = (at.ends.at(-1) ?? MARGIN) + MARGIN
  const heading = short(title, 2 * LONGEST_LABEL)
  const said = remarks.slice(0, 20).flatMap((remark) => wrapped(short(remark, 500), 100))
  const width = Math.max(
    right + (times > 0 ? BAR + times + MARGIN : 0),
    2 * MARGIN + 1.25 * widthOf(heading),
    ...said.map((line) => 2 * MARGIN + widthOf(line)),
  )
  const top = 96
  const bottom = top + steps.length * ROW
  const parts = [
    text(MARGIN, 34, heading, 't'),
    ...names.flatMap((name, i) => lane(at.centers[i] as number, short(name || '?', LONGEST_LABEL), bottom)),
    ...(times > 0 ? [text(right, 72, 'time, and share of the whole', 's')] : []),
  ]
  const longest = Math.max(...steps.map(({ share }) => share ?? 0))
  for (const [i, step] of steps.entries()) {
    const y = top + i * ROW
    const [from, to] = [step.from, step.to].map((name) => at.centers[names.indexOf(name)] as number) as [number, number]
    parts.push(...(from === to ? note(from, y, step) : arrow(from, to, y, step)), ...time(right, y, step, longest))
  }
  parts.push(...said.map((remark, i) => text(MARGIN, bottom + 24 + 18 * i, remark, 's')))
  return { parts, width: Math.ceil(width), height: bottom + 24 + 18 * said.length }
}

/** Where each lifeline stands, so far from the one before that the texts between them and on them have room. */
function lanes(names: readonly string[], steps: readonly Step[]): { centers: number[]; ends: number[] } {
  const half = names.map((name) => widthOf(short(name || '?', LONGEST_LABEL)) / 2 + 14)
  const gaps = names.map(() => 0)
  for (const step of steps) {
    const [from, to] = [names.indexOf(step.from), names.indexOf(step.to)]
    const wide = widthOf(short(step.text, LONGEST_LABEL)) + 28
    if (from === to) half[from] = Math.max(half[from] as number, wide / 2)
    else {
      const last = Math.max(from, to)
      const share = wide / Math.abs(from - to)
      for (let i = Math.min(from, to) + 1; i <= last; i++) gaps[i] = Math.max(gaps[i] as number, share)
    }
  }
  let center = MARGIN
  const centers = half.map((width, i) => {
    center += i === 0 ? width : Math.max(gaps[i] as number, (half[i - 1] as number) + width + 16)
    return Math.round(center)
  })
  return { centers, ends: centers.map((x, i) => x + (half[i] as number)) }
}

function lane(x: number, name: string, bottom: number): string[] {
  const width = widthOf(name) + 24
  return [
    `<line class="l" x1="${x}" y1="84" x2="${x}" y2="${bottom}"/>`,
    `<rect class="b" x="${x - width / 2}" y="56" width="${width}" height="28" rx="5"/>`,
    text(x, 75, name, 'm'),
  ]
}

function note(x: number, y: number, step: Step): string[] {
  const said = short(step.text, LONGEST_LABEL)
  const width = widthOf(said) + 20
  return [
    `<rect class="n" x="${x - width / 2}" y="${y + 5}" width="${width}" height="24" rx="3"/>`,
    text(x, y + 21.5, said, 'm'),
  ]
}

function arrow(from: number, to: number, y: number, step: Step): string[] {
  const back = to > from ? -9 : 9
  return [
    text((from + to) / 2, y + 17, short(step.text, LONGEST_LABEL), 'm'),
    `<path class="a" d="M${from} ${y + 25}H${to + back}"/>`,
    `<path class="h" d="M${to} ${y + 25}l${back} -5v10z"/>`,
  ]
}

function time(x: number, y: number, step: Step, longest: number): string[] {
  if (step.time === undefined) return []
  const { share } = step
  const bar = share === undefined || longest === 0 ? 0 : (share / longest) * (BAR - 16)
  return [
    `<rect class="k" x="${x}" y="${y + 12}" width="${BAR - 16}" height="10" rx="2"/>`,
    `<rect class="v" x="${x}" y="${y + 12}" width="${bar.toFixed(1)}" height="10" rx="2"/>`,
    text(x + BAR - 6, y + 21.5, timeOf(step), ''),
  ]
}

function timeOf({ time: written = '', share }: Step): string {
  return written === '' || share === undefined ? written : `${written} · ${(share * 100).toFixed(1)}%`
}

function text(x: number, y: number, said: string, kind: string): string {
  return `<text${kind ? ` class="${kind}"` : ''} x="${x}" y="${y}">${xml(said)}</text>`
}

/** Lines of about so many characters; a longer word is cut. */
function wrapped(said: string, most: number): string[] {
  return said.match(new RegExp(`.{1,${most}}(?:\\s|$)|.{${most}}`, 'gsu')) ?? []
}

function widthOf(said: string): number {
  let width = 0
  for (const character of said) width += WIDE.test(character) ? 13.5 : /[A-Z@%]/.test(character) ? 9 : 7.2
  return Math.ceil(width)
}

/** Markup is text; what XML cannot hold (short has made control characters visible) becomes U+FFFD. */
function xml(said: string): string {
  return said.replace(/[\ufffe\uffff]/g, '\ufffd').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
