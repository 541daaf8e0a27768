/**
 * Reading text whose lines are looked at one by one, in JavaScript: what is read by hand and not by the million.
 * The comments of vmpipe between the lines become records; a line that is wrong is said with its place.
 */
import { isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { LINE, LINE_END, ROW_WORDS } from '../assembly/layout.js'
import { nextBatch } from '../cli/drive.js'
import type { Context } from '../cli/tool.js'
import { openInput } from '../wire/input.js'
import { bytes, scanner, utf8, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { reasonText } from '../wire/reasons.js'
import type { Source } from '../wire/source.js'
import { commentRecord } from './comments.js'
import type { StreamHeads } from './stream-heads.js'

/** What came of the lines. */
export interface LineCounts {
  events: number
  headers: number
  lost: number
  lost_events: bigint
  not_utf8: number
}

/** `take` answers what is wrong with a line. Answers how many lines were not UTF-8. */
export async function readLines(
  source: Source,
  src: string,
  context: Context,
  heads: StreamHeads,
  out: Out,
  take: (line: string) => string | undefined,
): Promise<number> {
  const input = openInput(source, scanner.scanLines)
  input.onSkip((line, reason) => context.bad(`${source.name}:${line}`, reasonText(reason)))
  const id = idOf(src)
  let foreign = 0

  function takeRow(row: number): string | undefined {
    const [from, end] = [words[row + LINE] as number, words[row + LINE_END] as number]
    const text = utf8(from, end).replace(/\r$/, '')
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(from, end))) foreign++
    const problem = take(text)
    const told = text.startsWith('# vmpipe ') && !text.startsWith('# vmpipe lost')
    if (told) commentRecord(row, id, heads, (line) => out.write(line))
    return problem
  }

  let turns = 0
  while (true) {
    if (source.live) out.flush()
    else if ((++turns & 7) === 0) await setImmediate()
    const batch = await nextBatch(input, context)
    if (!batch) return foreign
    const end = batch.rows + batch.count * ROW_WORDS
    for (let row = batch.rows; row < end; row += ROW_WORDS) {
      const problem = takeRow(row)
      if (problem) context.bad(`${source.name}:${batch.lineOf(row)}`, problem)
    }
    batch.release()
  }
}
