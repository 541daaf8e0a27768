/**
 * The comments of a stream of text as the records that they are. Without their counts: those are of lines of text,
 * and pull has used them. A clock has no time, for it would promise that nothing older follows, and text that is
 * read live goes backwards.
 */
import { LINE, LINE_END } from '../assembly/layout.js'
import { parseComment } from '../wire/comment.js'
import { utf8, words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'
import type { StreamHeads } from './stream-heads.js'

/** The counters of trace_clock: they are printed as integers; all other clocks in seconds. */
const CYCLES = new Set(['x86-tsc', 'counter', 'uptime', 'ppc-tb'])

/** Answers whether the row is one of them. */
export function commentRecord(row: number, src: number, heads: StreamHeads, write: (line: string) => void): boolean {
  const comment = parseComment(utf8(words[row + LINE] as number, words[row + LINE_END] as number))
  if (!comment) return false
  const { session, clock, hostname, kernel } = comment.members
  if (comment.kind === 'stream')
    heads.told(src, clock === undefined ? undefined : CYCLES.has(String(clock)), { clock, hostname, kernel, session })
  else write(JSON.stringify({ type: comment.kind, src: nameOf(src), session }))
  return true
}
