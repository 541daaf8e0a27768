/**
 * Where a worker's output ends, told by the output itself.
 *
 * Between what is written and what is acknowledged a worker can die: the batch would come, and be written, once more.
 * So each batch ends with a mark in the same output, and the output begins with one. The next worker cuts off what
 * stands behind the last one, and leaves out what came up to it:
 *
 *     {"type":"pair",…}
 *     {"type":"mark","worker":"vmpipe-1of2","stream":"FLEET 2026-11-23T02:44:30Z","seq":1204,"since":1187}
 *     {"type":"pair",…                                       cut off: of a batch that comes again
 *
 * `since` is put there by who holds state (pair): behind message 1187 lies all that is open at 1204.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { systemMessage } from '../wire/system-message.js'
import { TransportError } from './failure.js'
import type { Reading } from './nats-consumer.js'

/** The last mark, with what filters added to it. */
export interface Mark {
  seq: number
  since: number
  members: Record<string, unknown>
}

const BEGIN = '{"type":"mark",'
const TAIL = 1 << 20

export function markText(worker: string, stream: string, seq: number): string {
  return JSON.stringify({ type: 'mark', worker, stream, seq })
}

/** Cuts the file behind its last mark. Answers that; undefined where the output begins. */
export function resume(path: string, worker: string, stream: string): Mark | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TransportError(`${path}: ${systemMessage(error)}`)
  }
  try {
    const { size } = fstatSync(fd)
    const found = lastMark(fd, size)
    if (!found) {
      if (!begins(fd, size)) throw new TransportError(`${path}: is no output of pull --resume`)
      ftruncateSync(fd, 0)
      return undefined
    }
    const { mark, end } = found
    const { worker: whose, stream: which } = mark.members
    if (whose !== worker) throw new TransportError(`${path}: is the output of ${whose}, not of ${worker}`)
    if (which !== stream) throw new TransportError(`${path}: is the output of stream ${which}, not of ${stream}`)
    ftruncateSync(fd, end)
    return mark
  } finally {
    closeSync(fd)
  }
}

/** Throws where the output lacks what has been acknowledged: it is another file, or has been cut. */
export async function meets(
  { stream, target, durable, filter }: Reading,
  output: string,
  done: number,
  floor: number,
): Promise<void> {
  if (done >= floor) return
  // the server counts on to the next message of this subject
  const after = { seq: done + 1, next_by_subj: filter }
  const next = await stream.manager.streams.getMessage(target.stream, after)
  if (next && next.seq <= floor) throw new TransportError(`${output}: ends before what ${durable} has acknowledged`)
}

/** Nothing, or a first mark that was not written to its end. */
function begins(fd: number, size: number): boolean {
  const head = Buffer.alloc(Math.min(size, TAIL))
  readSync(fd, head, 0, head.length, 0)
  const text = head.toString('utf8')
  return size < TAIL && !text.includes('\n') && (text.startsWith(BEGIN) || BEGIN.startsWith(text))
}

/** The last whole mark, looked for from the end, in ever larger pieces; `end`: behind its line. */
function lastMark(fd: number, size: number): { mark: Mark; end: number } | undefined {
  for (let length = Math.min(TAIL, size); length > 0; length = Math.min(length * 16, size)) {
    const tail = Buffer.alloc(length)
    readSync(fd, tail, 0, length, size - length)
    for (let at = tail.lastIndexOf(BEGIN); at >= 0; at = at > 0 ? tail.lastIndexOf(BEGIN, at - 1) : -1) {
      const first = at > 0 ? tail[at - 1] === 10 : length === size
      // not looked for where no line begins: a record may hold many that look like one
      const end = first ? tail.indexOf(10, at) : -1
      const mark = end > 0 ? markIn(tail.toString('utf8', at, end)) : undefined
      if (mark) return { mark, end: size - length + end + 1 }
    }
    if (length === size) return undefined
  }
  return undefined
}

function markIn(line: string): Mark | undefined {
  try {
    const members = JSON.parse(line)
    const { type, seq, since = seq } = members
    // of two types the last counts: a sender's record may begin as a mark does
    if (type !== 'mark') return undefined
    return Number.isSafeInteger(seq) && Number.isSafeInteger(since) ? { seq, since, members } : undefined
  } catch {
    return undefined
  }
}
