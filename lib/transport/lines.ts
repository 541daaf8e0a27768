/**
 * Which lines an input has: records of the wire format, or text that is carried unread (trace_pipe of a guest that
 * has nothing but a shell). Text is what begins with `# vmpipe `, or has no brace at the beginning of either of its
 * first two lines: one line may be broken, or the rest of one whose beginning went by.
 */
import type { Scan } from '../wire/input.js'
import { scanner } from '../wire/memory.js'
import { peek } from '../wire/peek.js'
import type { Source } from '../wire/source.js'

export type Lines = 'records' | 'text'

/** Of the whole lines in `text`; undefined where they do not tell yet. `ended`: there are no more. */
export function linesIn(text: string, ended: boolean): Lines | undefined {
  const [first, second] = text.split('\n', 64).filter((line) => line.trim() !== '')
  if (first === undefined) return ended ? 'records' : undefined
  if (/^\s*\{/.test(first)) return 'records'
  if (first.startsWith('# vmpipe ')) return 'text'
  if (second === undefined) return ended ? 'text' : undefined
  return /^\s*\{/.test(second) ? 'records' : 'text'
}

export function scanOf(lines: Lines): Scan | undefined {
  return lines === 'text' ? scanner.scanLines : undefined
}

/** Looks at the beginning of an input. */
export async function look(source: Source): Promise<{ source: Source; scan?: Scan }> {
  const { source: whole, found = 'records' } = await peek(source, linesIn)
  const scan = scanOf(found)
  return scan ? { source: whole, scan } : { source: whole }
}
