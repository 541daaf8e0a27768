/**
 * Output: where a filter's records go. Either into a buffer that is written to a descriptor in large
 * pieces, or, when filters run in one process, straight into the next one (`link`): the same calls, the
 * same records, no text between them.
 */
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { HAS, HAS_TIME_UNSIGNED, HAS_TS, HAS_TSC, LINE, LINE_END, ROW_WORDS, TIME } from '../assembly/layout.js'
import { allocate, bytes, scanner, words } from './memory.js'
import { printable } from './printable.js'
import { LINE_ROOM, RecordView, type Renderer, rescan } from './record.js'

export interface Out {
  /** The record as it came, byte for byte. */
  pass(record: RecordView): void
  /** The record with one member more, given as JSON text: `,"key":26`. */
  append(record: RecordView, member: string): void
  /** The record with its time member written anew from TIME: `ts`, or `tsc` where it is `cycles`. */
  retime(record: RecordView, cycles: boolean): void
  /** A new record, as JSON text. */
  write(line: string): void
  /** A new record as a row (word index); its line is written by `renderer` if anyone wants it. */
  emit(row: number, renderer: Renderer): void
  /** What is held goes out now. */
  flush(): void
}

/** Nobody reads any more (EPIPE): the tool stops, quietly. */
export class ClosedPipe extends Error {}

const SIZE = 1 << 18
const MEMBER_ROOM = 1 << 16

export interface Writer extends Out {
  /** Text that is no record (a table). */
  text(text: string): void
}

/** Records as lines to a file descriptor; `before` is called ahead of each write. */
export function writer(fd: number, before: () => void = () => {}): Writer {
  const start = allocate(SIZE + LINE_ROOM)
  const member = memberText()
  const terminal = isatty(fd)
  /** What is held is text of our own, in which colours may stand. */
  let isText = false
  let end = start

  function room(): void {
    if (end - start >= SIZE) flush()
  }

  function flush(): void {
    const length = end - start
    end = start
    if (length > 0) before()
    if (!terminal || isText) {
      writeAll(fd, start, length)
      return
    }
    const shown = printable(Buffer.from(bytes.subarray(start, start + length)))
    writeAll(fd, 0, shown.length, shown)
  }

  function newline(): void {
    bytes[end++] = 10
    if (end - start >= SIZE) flush()
  }

  /** On a terminal the two kinds are written each for itself. */
  function turn(toText: boolean): void {
    if (terminal) flush()
    isText = toText
  }

  return {
    flush,
    pass(record) {
      if (isText) turn(false)
      const { row } = record
      const line = words[row + LINE] as number
      if (line === 0) end = (record.renderer as Renderer).render(row, end)
      else end = scanner.copy(end, line, words[row + LINE_END] as number)
      newline()
    },
    append(record, text) {
      if (isText) turn(false)
      record.materialise()
      const length = member.put(text)
      end = scanner.putWithMember(end, record.row << 2, member.address, length)
      newline()
    },
    retime(record, cycles) {
      if (isText) turn(false)
      end = scanner.putWithTime(end, record.row << 2, cycles)
      newline()
    },
    write(line) {
      if (isText) turn(false)
      const length = Buffer.byteLength(line)
      if (length > LINE_ROOM - 64) throw new RangeError(`a record of ${length} bytes is longer than a line may be`)
      bytes.write(line, end, 'utf8')
      end += length
      newline()
    },
    emit(row, renderer) {
      if (isText) turn(false)
      end = renderer.render(row, end)
      newline()
    },
    text(text) {
      if (!isText) turn(true)
      for (let at = 0; at < text.length; at += MEMBER_ROOM) {
        const piece = text.slice(at, at + MEMBER_ROOM)
        end += bytes.write(piece, end, 'utf8')
        room()
      }
    },
  }
}

/** Records into the next filter of the same process. */
export function link(accept: (record: RecordView) => void, flush: () => void): Out {
  const view = new RecordView()
  const row = allocate(ROW_WORDS * 4 + LINE_ROOM)
  const line = row + ROW_WORDS * 4
  const member = memberText()
  /** The line of a row whose time is not the one its line has. */
  const retimed = {
    from: 0,
    cycles: false,
    render: (_row: number, to: number) => scanner.putWithTime(to, retimed.from << 2, retimed.cycles),
  }

  /** A line that was just written at `line`. */
  function take(end: number): void {
    view.row = rescan(line, end, row)
    view.renderer = null
    accept(view)
  }

  return {
    flush,
    pass: accept,
    append(record, text) {
      record.materialise()
      const length = member.put(text)
      take(scanner.putWithMember(line, record.row << 2, member.address, length))
    },
    retime(record, cycles) {
      // the columns go on as they are; the line is written only if someone wants it
      words.copyWithin(row >> 2, record.row, record.row + ROW_WORDS)
      retimed.from = record.row
      retimed.cycles = cycles
      const made = row >> 2
      words[made + LINE] = 0
      words[made + HAS] =
        ((words[made + HAS] as number) & ~(HAS_TS | HAS_TSC | HAS_TIME_UNSIGNED)) | timeBits(made, cycles)
      view.row = made
      view.renderer = retimed
      accept(view)
    },
    write(text) {
      take(line + bytes.write(text, line, LINE_ROOM - 64, 'utf8'))
    },
    emit(made, renderer) {
      view.row = made
      view.renderer = renderer
      accept(view)
    },
  }
}

function timeBits(row: number, cycles: boolean): number {
  if (!cycles) return HAS_TS
  return (words[row + TIME + 1] as number) < 0 ? HAS_TSC | HAS_TIME_UNSIGNED : HAS_TSC
}

/** The text of one member, in the memory; the same text again (a key of a few values) is not copied. */
function memberText(): { address: number; put(text: string): number } {
  const address = allocate(MEMBER_ROOM)
  let last = ''
  let length = 0
  return {
    address,
    put(text) {
      if (text === last) return length
      if (text.length * 3 > MEMBER_ROOM) throw new RangeError('a member longer than 21 KiB cannot be added')
      length = bytes.write(text, address, 'utf8')
      last = text
      return length
    },
  }
}

/** Waits between tries when the other side has made the descriptor non-blocking and is slow. */
const pause = new Int32Array(new SharedArrayBuffer(4))

/** Writes all of it: what stands in the shared memory there, or in `of`. A closed pipe is ClosedPipe; anything else (a full disk) is thrown as the system says it. */
export function writeAll(fd: number, from: number, length: number, of: Uint8Array = bytes): void {
  while (length > 0) {
    try {
      const n = writeSync(fd, of, from, length)
      from += n
      length -= n
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') throw new ClosedPipe()
      if (code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, 2)
    }
  }
}
