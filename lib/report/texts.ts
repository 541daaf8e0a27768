/**
 * The names of a page, each once. What a guest wrote is made harmless here, and only here: control and formatting
 * characters become visible, and a name of 64 KiB becomes its beginning and its length.
 */
import { oneLine } from '../drawing/visible.js'

export interface Texts {
  /** Its index. */
  of(text: string): number
  readonly list: readonly string[]
}

export const LONGEST = 300

export function texts(): Texts {
  const list: string[] = []
  const found = new Map<string, number>()
  return {
    list,
    of(text) {
      const shown = harmless(text)
      const known = found.get(shown)
      if (known !== undefined) return known
      found.set(shown, list.length)
      return list.push(shown) - 1
    },
  }
}

export function harmless(text: string): string {
  if (text.length <= LONGEST) return oneLine(text)
  // whole characters: half a surrogate pair would be one of those that are made visible
  const start = [...text.slice(0, LONGEST)].slice(0, LONGEST - 1).join('')
  return `${oneLine(start)}… (${text.length.toLocaleString('en')} characters)`
}
