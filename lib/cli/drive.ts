/**
 * Driving: lines from files and pipes, one after another, into a stage. Here is what all filters share:
 * broken lines are said and left out, a live stream is passed on at once, ^C ends the reading and not the
 * summary.
 */
import { setImmediate } from 'node:timers/promises'
import { REASON, ROW_WORDS, TYPE } from '../assembly/layout.js'
import { type Batch, type Input, openInput } from '../wire/input.js'
import { words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { reasonText, rowReason } from '../wire/reasons.js'
import { RecordView } from '../wire/record.js'
import { openSource, type Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { BadRecord, type Context, type Stage } from './tool.js'

/** Opens an input; a file that cannot be opened is a problem (null), and the others are still read. */
export function open(path: string, context: Context): Input | null {
  const source = sourceOf(path, context)
  return source && reported(openInput(source), context)
}

/** The same before it is cut into lines. */
export function sourceOf(path: string, context: Context): Source | null {
  try {
    const source = openSource(path)
    context.onStop(() => source.stop())
    if (source.meter) context.reading?.(source.meter)
    return source
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
    context.problem(`${path === '-' ? 'stdin' : path}: ${systemMessage(error)}`)
    return null
  }
}

function reported(input: Input, context: Context): Input {
  input.onSkip((line, reason) => context.bad(`${input.source.name}:${line}`, reasonText(reason)))
  return input
}

async function openLooked(path: string, context: Context, look: NonNullable<Stage['look']>): Promise<Input | null> {
  const source = sourceOf(path, context)
  if (!source) return null
  const { source: whole, scan } = await look(source)
  return reported(openInput(whole, scan), context)
}

/** The next batch, once whoever takes the records is ready; a read that fails is a problem, and the end of this input. */
export async function nextBatch(input: Input, context: Context): Promise<Batch | null> {
  const waits = context.ready?.()
  if (waits) await waits
  try {
    return await input.next()
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
    context.problem(`${input.source.name}: ${systemMessage(error)}`)
    return null
  }
}

/** All inputs, in turn, through a stage. `looked`: what the stage does with an input before it is read. */
export async function drive(
  context: Context,
  accept: (record: RecordView) => void,
  out: Out,
  looked?: Stage['look'],
): Promise<void> {
  const view = new RecordView()
  let stopped = false
  context.onStop(() => {
    stopped = true
  })
  for (const path of context.files) {
    if (stopped) return
    const input = looked ? await openLooked(path, context, looked) : open(path, context)
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
