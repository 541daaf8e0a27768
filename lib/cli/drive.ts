/**
 * Driving: lines from files and pipes, one after another, into a stage. Here is what all filters share:
 * broken lines are said and left out, a live stream is passed on at once, ^C ends the reading and not the
 * summary.
 */
import { setImmediate } from 'node:timers/promises'
import { REASON, ROW_WORDS, TYPE } from '../assembly/layout.js'
import { type Batch, type Input, openInput, type Scan } from '../wire/input.js'
import { words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { reasonText, rowReason } from '../wire/reasons.js'
import { RecordView } from '../wire/record.js'
import { openSource } from '../wire/source.js'
import { BadRecord, type Context, type Stage } from './tool.js'

/** What the system says of a file, as people know it. */
export function systemMessage(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'is a directory',
    EACCES: 'permission denied',
    ENOSPC: 'no space left on the device',
    EIO: 'input/output error',
    ENXIO: 'no such device',
    EBUSY: 'busy: somebody else has it open',
    EMFILE: 'too many open files',
    ECONNREFUSED: 'nobody listens there',
    Z_DATA_ERROR: 'not sound gzip data',
    Z_BUF_ERROR: 'the gzip data ends too early',
  }
  return (code && known[code]) ?? message
}

/** Opens an input; a file that cannot be opened is a problem (null), and the others are still read. */
export function open(path: string, context: Context, scan?: Scan): Input | null {
  try {
    const input = openInput(openSource(path), scan)
    input.onSkip((line, reason) => context.bad(`${input.source.name}:${line}`, reasonText(reason)))
    context.onStop(() => input.source.stop())
    return input
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
    context.problem(`${path === '-' ? 'stdin' : path}: ${systemMessage(error)}`)
    return null
  }
}

/** The next batch; a read that fails is a problem, and the end of this input. */
export async function nextBatch(input: Input, context: Context): Promise<Batch | null> {
  try {
    return await input.next()
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
    context.problem(`${input.source.name}: ${systemMessage(error)}`)
    return null
  }
}

/** All inputs, in turn, through a stage. */
export async function drive(context: Context, accept: (record: RecordView) => void, out: Out): Promise<void> {
  const view = new RecordView()
  let stopped = false
  context.onStop(() => {
    stopped = true
  })
  for (const path of context.files) {
    if (stopped) return
    const input = open(path, context)
    if (!input) continue
    let turns = 0
    while (true) {
      if (input.source.live) out.flush()
      // a file is read at once; signals get their turn now and then
      else if ((++turns & 7) === 0) await setImmediate()
      const batch = await nextBatch(input, context)
      if (!batch) break
      runBatch(batch, view, input.source.name, context, accept)
      batch.release()
    }
    input.source.close()
  }
}

/** The rows of a batch; what throws BadRecord is said, and the next row follows. */
export function runBatch(
  batch: Batch,
  view: RecordView,
  name: string,
  context: Context,
  accept: (record: RecordView) => void,
): void {
  const end = batch.rows + batch.count * ROW_WORDS
  let row = batch.rows
  while (row < end) {
    try {
      for (; row < end; row += ROW_WORDS) {
        if (words[row + REASON] !== 0) throw new BadRecord(rowReason(row))
        view.row = row
        accept(view)
      }
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error
      context.bad(`${name}:${batch.lineOf(row)}`, error.message)
      row += ROW_WORDS
    }
  }
}

/** A stage as one function. */
export function acceptor(stage: Stage, out: Out): (record: RecordView) => void {
  const { event, record } = stage
  return (view) => {
    if (words[view.row + TYPE] === 0) {
      if (event) event(view, out)
      else out.pass(view)
      return
    }
    if (record) record(view, out)
    else out.pass(view)
  }
}
