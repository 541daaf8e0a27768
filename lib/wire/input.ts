/**
 * Input: a source cut into whole lines and scanned, a batch of rows at a time.
 *
 * A batch stays where it is until it is released, so a filter that holds many lines (order) holds blocks,
 * not copies. The unfinished line at a block's end is moved to the head of the next. Memory is bounded: a line
 * above MAX_LINE is given up, said, and skipped to its end.
 */
import { setImmediate } from 'node:timers/promises'
import { LINE, MAX_LINE, REASON_TOO_LONG, ROW_WORDS } from '../assembly/layout.js'
import { allocate, bytes, release, scanner, words } from './memory.js'
import { PIPE_READ, type Source } from './source.js'

export interface Batch {
  /** Word index of the first row; the rest follow, ROW_WORDS apart. */
  readonly rows: number
  readonly count: number
  /** The number of row i's line, counted from 1. */
  lineOf(row: number): number
  /** The rows and their lines are no longer wanted. */
  release(): void
}

/**
 * Turns lines of text into rows: the wire format's scanner, or one of a text format. Where lines belong together
 * (an event and its stack) it may stop before the last ones and is called again with more text, unless `last`.
 */
export type Scan = (from: number, end: number, rows: number, max: number, last: boolean) => number

export interface Input {
  readonly source: Source
  /** The next batch; null at the end. */
  next(): Promise<Batch | null>
  /** Lines given up before they could be scanned. */
  onSkip(report: (line: number, reason: number) => void): void
  /** No more is read, though it has not ended; batches that are held stay good. */
  close(): void
}

const FILE_READ = 1 << 18
/** Room for text that is taken at a time; what comes in small pieces shares it. */
const BLOCK = FILE_READ
const MAX_ROWS = 2048
const ROWS_SIZE = MAX_ROWS * ROW_WORDS * 4
/** What may be read past a line's end by a scanner that takes 16 bytes at a time. */
const SLACK = 64

/** A block with the usual rest of a line from the one before. */
const USUAL = BLOCK + (1 << 15)

interface Block {
  address: number
  size: number
  /** Batches on it that are not released yet, and one for being filled. */
  users: number
}

export function openInput(source: Source, scan: Scan = scanner.scan): Input {
  const readSize = source.live ? PIPE_READ : FILE_READ
  let skipped: (line: number, reason: number) => void = () => {}
  let block: Block | null = null
  /** Where rows are scanned to; a large batch keeps it, a small one gets a copy as large as itself. */
  let scratch = 0
  /** The part of the block that is read and not scanned: whole lines up to `whole`, then the rest. */
  let from = 0
  let whole = 0
  let have = 0
  let line = 1
  let skipping = false
  let ended = false
  /** The scanner wants more text than there is up to `whole`. */
  let short = false

  async function fill(): Promise<boolean> {
    for (let turn = 1; !ended; turn++) {
      // a line without end must not keep signals from being heard
      if ((turn & 15) === 0) await setImmediate()
      const room = makeRoom()
      const n = await source.read(have, room)
      if (n === 0) {
        ended = true
        if (have === from || skipping) {
          from = whole = have
          return false
        }
        bytes[have++] = 10
        whole = have
        return true
      }
      have += n
      if (skipping && !skipTo(bytes.subarray(from, have).indexOf(10) + 1 + from)) continue
      if (have - from > MAX_LINE && tooLong()) continue
      const last = bytes.lastIndexOf(10, have - 1)
      if (last < from) continue
      whole = last + 1
      return true
    }
    return false
  }

  /** Room for a read behind what there is: in the same block while it has some. Answers how much. */
  function makeRoom(): number {
    if (block && block.address + block.size - SLACK - have >= PIPE_READ)
      return Math.min(readSize, block.address + block.size - SLACK - have)
    const rest = have - from
    const next = take(rest + BLOCK + SLACK)
    if (block) {
      scanner.copy(next.address, from, have)
      drop(block)
    }
    block = next
    from = next.address
    have = from + rest
    return readSize
  }

  /** Gives up the first line where it is too long, be its end here or not. Answers whether nothing is left. */
  function tooLong(): boolean {
    const length = bytes.subarray(from, have).indexOf(10)
    if (length >= 0 && length <= MAX_LINE) return false
    skipped(line, REASON_TOO_LONG)
    if (length < 0) {
      skipping = true
      have = from
      return true
    }
    line++
    from += length + 1
    return from === have
  }

  /** Goes on after the newline before `after`; false when the line that is skipped has not ended. */
  function skipTo(after: number): boolean {
    if (after === from) {
      have = from
      return false
    }
    skipping = false
    line++
    from = after
    return true
  }

  return {
    source,
    onSkip(report) {
      skipped = report
    },
    close,
    async next() {
      while (true) {
        if ((short || from >= whole) && !(await fill())) {
          close()
          return null
        }
        const batch = scanBatch()
        if (batch) return batch
      }
    },
  }

  function close(): void {
    if (block) drop(block)
    if (scratch) release(scratch, ROWS_SIZE)
    block = null
    scratch = 0
    ended = true
    from = whole = have
  }

  function scanBatch(): Batch | null {
    const on = block as Block
    scratch ||= allocate(ROWS_SIZE)
    const first = line
    const start = from
    const count = scan(from, whole, scratch, MAX_ROWS, ended)
    from = scanner.scannedTo()
    short = from < whole && count < MAX_ROWS
    const blank = scanner.blankLines()
    line += count + blank
    if (count === 0) return null
    on.users++
    const { rows, size } = keep(count)
    return {
      rows: rows >> 2,
      count,
      lineOf: (row) =>
        blank === 0 ? first + (row - (rows >> 2)) / ROW_WORDS : first + newlines(start, words[row + LINE] as number),
      release() {
        release(rows, size)
        drop(on)
      },
    }
  }

  /**
   * Rows that may be held for long take no more than they are; the sizes are few, so that they fit again. A scanner
   * of text goes back to rows of the scan before: they stay where they are.
   */
  function keep(count: number): { rows: number; size: number } {
    const size = powerOfTwo(count) * ROW_WORDS * 4
    const rows = scratch
    if (size >= ROWS_SIZE || scan !== scanner.scan) {
      scratch = 0
      return { rows, size: ROWS_SIZE }
    }
    const copy = allocate(size)
    bytes.copyWithin(copy, rows, rows + count * ROW_WORDS * 4)
    return { rows: copy, size }
  }
}

function take(size: number): Block {
  // few sizes, so that what is released fits again
  const rounded = size <= USUAL ? USUAL : powerOfTwo(size)
  return { address: allocate(rounded), size: rounded, users: 1 }
}

function powerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(size))
}

function drop(block: Block): void {
  if (--block.users === 0) release(block.address, block.size)
}

function newlines(from: number, end: number): number {
  let n = 0
  for (let at = bytes.indexOf(10, from); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) n++
  return n
}
