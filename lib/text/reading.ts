/**
 * Reading text: lines into rows, rows to whoever takes them. A stack is printed after its event, so of a file the
 * rows of one block are held until the next has been scanned; of a live stream only once stacks have been seen.
 */
import { setImmediate } from 'node:timers/promises'
import { COUNT_HEADERS, COUNT_NOT_UTF8, COUNT_SKIPPED, COUNT_STACKS } from '../assembly/text-layout.js'
import { nextBatch, runBatch } from '../cli/drive.js'
import type { Context } from '../cli/tool.js'
import { type Batch, openInput } from '../wire/input.js'
import { scanner } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { reasonText } from '../wire/reasons.js'
import { RecordView } from '../wire/record.js'
import type { Source } from '../wire/source.js'
import { type TextFormat, textFormats } from './detect.js'

/** What lines there were beside events and losses. */
export interface TextCounts {
  headers: number
  stacks: number
  skipped: number
  not_utf8: number
}

export async function readText(
  source: Source,
  format: TextFormat,
  src: string,
  context: Context,
  flush: () => void,
  accept: (record: RecordView) => void,
): Promise<TextCounts> {
  let held: Batch | null = null
  const input = openInput(source, (from, end, rows, max, last) =>
    scanner.scanText(from, end, rows, max, last, held !== null),
  )
  const view = new RecordView()
  input.onSkip((line, reason) => context.bad(`${source.name}:${line}`, reasonText(reason)))
  scanner.openText(textFormats[format], idOf(src), idOf('guest'), idOf('lost'))
  let turns = 0
  while (true) {
    if (source.live) flush()
    else if ((++turns & 7) === 0) await setImmediate()
    const batch = await nextBatch(input, context)
    if (held) take(held)
    held = null
    if (!batch) break
    if (!source.live || scanner.textCount(COUNT_STACKS) > 0) held = batch
    else take(batch)
  }

  function take(batch: Batch): void {
    runBatch(batch, view, source.name, context, accept)
    batch.release()
  }

  return {
    headers: scanner.textCount(COUNT_HEADERS),
    stacks: scanner.textCount(COUNT_STACKS),
    skipped: scanner.textCount(COUNT_SKIPPED),
    not_utf8: scanner.textCount(COUNT_NOT_UTF8),
  }
}
