/**
 * Sequences in the language of js-sequence-diagrams (github.com/bramp/js-sequence-diagrams, src/grammar.jison), which
 * many Markdown editors draw: written, and read again.
 *
 *     Title: two guests ping each other
 *     VM A->Host OVS(pmd): ICMP request
 *     Note over Host OVS(pmd): receive to send 40.000 us
 *
 * Each line is one step; a time stands at the end of its text. A name that could be taken for a word of the language
 * is put in quotes; `"` and ` as ` can be written in no name, `\n` in a text would break the line, `<` be HTML in a page.
 */
import { LONGEST_LABEL, label, participants, type Sequence } from './sequence.js'
import { short } from './visible.js'

export function jsSequence({ title, steps, remarks }: Sequence): string {
  const names = actors(participants(steps))
  return [
    `Title: ${message(short(title, 2 * LONGEST_LABEL))}`,
    ...steps.map((step) => {
      const [from, to] = [names.get(step.from), names.get(step.to)]
      return `${from === to ? `Note over ${from}` : `${from}->${to}`}: ${message(label(step))}`
    }),
    ...remarks.map((remark) => `# ${short(remark, 1000)}`),
    '',
  ].join('\n')
}

/** What stands for each: no two are the same. */
function actors(names: readonly string[]): Map<string, string> {
  const taken = new Set<string>()
  return new Map(
    names.map((name) => {
      let shown = actor(name)
      for (let n = 2; taken.has(shown); n++) shown = actor(`${short(name, LONGEST_LABEL - 8)} ${n}`)
      taken.add(shown)
      return [name, shown]
    }),
  )
}

function actor(name: string): string {
  const shown = noMarkup(short(name || '?', LONGEST_LABEL))
    .replaceAll('"', "'")
    .replace(/\bas\b/gi, (word) => `[${word}]`)
  const plain =
    /^[\p{L}\p{N}_?][\p{L}\p{N}_ ()/.?]*$/u.test(shown) && !/^(?:participant|note|title|left|right|over)\b/i.test(shown)
  return plain && shown === shown.trim() ? shown : `"${shown}"`
}

function message(text: string): string {
  return noMarkup(text).replaceAll('\\n', '\\ n').trim() || '?'
}

/** The language has no entities, and a page that holds it may take `<` for its own. */
function noMarkup(text: string): string {
  return text.replace(/<([^<>]*)>/g, '‹$1›').replaceAll('<', '‹')
}

export interface ReadStep {
  from: string
  to: string
  text: string
}

/** Of a step that is read. */
const LONGEST_LINE = 4096

const NAME = '(?:"([^"]+)"|([^-":,>]+?))'
const SIGNAL = new RegExp(`^${NAME}\\s*--?>>?\\s*${NAME}\\s*:(.*)$`, 'su')
const NOTE = new RegExp(`^note\\s+(?:left of|right of|over)\\s+${NAME}\\s*(?:,[^:]*)?:(.*)$`, 'isu')
const TIME = /^(?<said>.*?)(?<![\d.])(?<number>\d+(?:\.\d+)?) ?(?<unit>ns|us|µs|ms|s)$/su

/** null: a line that is no step (title, participant, comment). Throws an Error where it is no line of the language. */
export function readStep(raw: string): ReadStep | null {
  const line = raw.trim()
  if (line.length > LONGEST_LINE) throw new Error(`longer than ${LONGEST_LINE} characters`)
  if (line === '' || /^(?:#|title\s*:|participant\s)/i.test(line)) return null
  const [, noteQuoted, notePlain, noted] = NOTE.exec(line) ?? []
  if (noted !== undefined) {
    const place = noteQuoted ?? (notePlain as string)
    return { from: place, to: place, text: noted.trim() }
  }
  const [, fromQuoted, from, toQuoted, to, said] = SIGNAL.exec(line) ?? []
  if (said === undefined) throw new Error('neither "A->B: text" nor "Note over A: text"')
  return { from: fromQuoted ?? (from as string), to: toQuoted ?? (to as string), text: said.trim() }
}

/** A text and the duration at its end, which is written as --part would have it. */
export function splitTime(text: string): { text: string; time: string | undefined } {
  const { said = text, number, unit } = TIME.exec(text)?.groups ?? {}
  return { text: said.trim(), time: number && `${number}${unit}` }
}
