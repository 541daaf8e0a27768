/**
 * A sequence diagram in mermaid's language (mermaid.js.org, sequenceDiagram): a participant for each machine, an
 * arrow for each step.
 *
 * `#` and `;` mean something in a text and are written as entities; the word `end` would end a block that was never
 * begun, so it stands in brackets, as mermaid's manual says.
 */
import { oneLine } from './visible.js'

export interface Step {
  from: string
  to: string
  text: string
}

export function mermaid(title: string, steps: readonly Step[]): string {
  const names = [...new Set(steps.flatMap(({ from, to }) => [from, to]))]
  const id = (name: string) => `p${names.indexOf(name)}`
  return [
    'sequenceDiagram',
    `  title ${escaped(title)}`,
    ...names.map((name) => `  participant ${id(name)} as ${escaped(name || '?')}`),
    ...steps.map(({ from, to, text }) => `  ${id(from)}->>${id(to)}: ${escaped(text)}`),
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return oneLine(text)
    .replace(/[#;]/g, (character) => `#${character.charCodeAt(0)};`)
    .replace(/\bend\b/gi, (word) => `[${word}]`)
}
