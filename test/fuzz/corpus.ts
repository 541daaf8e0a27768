/** The corpus: a file a target, an input a line, as a JSON string of bytes (Latin-1). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export function readCorpus(path: string): Buffer[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => Buffer.from(JSON.parse(line), 'latin1'))
}

export function writeCorpus(path: string, inputs: readonly Buffer[]): void {
  writeFileSync(path, inputs.map((input) => `${JSON.stringify(input.toString('latin1'))}\n`).join(''))
}
