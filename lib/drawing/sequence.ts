/**
 * A sequence of steps, each within one participant or from one to another, and its drawing in mermaid's language
 * (mermaid.js.org, sequenceDiagram): a participant for each machine, an arrow for each step.
 *
 * Names come out of traces: in a text nothing is left that means something to mermaid. `#` and `;` make entities, `<`
 * and `&` HTML, `%%{` a directive, all are written as entities; the word `end` would end a block that was never
 * begun, so it stands in brackets, as mermaid's manual says.
 */
import { short } from './visible.js'

export interface Step {
  from: string
  to: string
  text: string
  /** As it is written. */
  time?: string
  /** Of the whole, 0 to 1. */
  share?: number
}

export interface Sequence {
  title: string
  steps: readonly Step[]
  /** What is to be said below. */
  remarks: readonly string[]
}

/** A name or a text is cut to so much. */
export const LONGEST_LABEL = 80

/** In the order of their first step. */
export function participants(steps: readonly Step[]): string[] {
  return [...new Set(steps.flatMap(({ from, to }) => [from, to]))]
}

export function label({ text, time }: Step): string {
  return time === undefined ? short(text, LONGEST_LABEL) : `${short(text, LONGEST_LABEL)} ${time}`
}

export function mermaid({ title, steps, remarks }: Sequence): string {
  const names = participants(steps)
  const id = (name: string) => `p${names.indexOf(name)}`
  return [
    'sequenceDiagram',
    `  title ${escaped(short(title, 2 * LONGEST_LABEL))}`,
    ...names.map((name) => `  participant ${id(name)} as ${escaped(short(name || '?', LONGEST_LABEL))}`),
    ...steps.map((step) => `  ${id(step.from)}->>${id(step.to)}: ${escaped(label(step))}`),
    ...remarks.map((remark) => `%% ${short(remark, 1000).replaceAll('%', 'percent')}`),
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return text
    .replace(/[#;<&%]/g, (character) => `#${character.charCodeAt(0)};`)
    .replace(/\bend\b/gi, (word) => `[${word}]`)
}
