/**
 * The scanner of trace text: lines that a kernel, trace-cmd, perf or perf-prof printed, in; a row an event, out.
 *
 * Only the head of a line is read (text-head.ts, text-event.ts). The rest stays where it is, its address in the
 * row, until somebody wants the line as JSON (text-line.ts). In such a row (LINE is 0) COMM, FLAGS, ARGS and TEXT
 * hold the raw comm, flags, event text and stack, OWN the address of the line, OWN + 1 the format.
 */
import { isDigit, utf8 } from './json'
import {
  ARGS,
  COMM,
  FLAGS,
  HAS,
  HAS_BROKEN,
  LINE,
  LINE_END,
  OWN,
  REASON,
  REASON_AT,
  REASON_NO_EVENT,
  REASON_TEXT_LONG,
  ROW_WORDS,
  TYPE,
} from './layout'
import { bit, forget, offer, repeated, textLines } from './repeat'
import { scannedUpTo } from './scan'
import { put, skipBlanks } from './text-bytes'
import { event, forgetTracer, KIND_BROKEN, KIND_ROW, KIND_SKIPPED, KIND_STACK, noteTracer, titleFrame } from './text-event'
import { cpu, doubt, format, setFormat } from './text-found'
import { digitsFrom, fractionDigits, head, nextHead, wholeDigits } from './text-head'
import {
  COUNT_HEADERS,
  COUNT_NOT_UTF8,
  COUNT_SKIPPED,
  COUNT_STACKS,
  MAX_TEXT,
  TEXT_PERF,
  TEXT_PERF_PROF,
  TEXT_TRACE_CMD,
} from './text-layout'
import { commentRow, isComment, lossLine, setLostType } from './text-loss'
import { carried, prefixBefore, setCarried } from './text-prefix'
import { beginScan, endScan, forgetRows, isFrame, remember, stack, stackLines, stackPlaced } from './text-stack'

const ROW_BYTES: usize = ROW_WORDS * 4
const counts: usize = memory.data(16)

/** A new input: its format, its src, the src of events marked as a guest's, and the name of the type `lost`. */
export function openText(kind: i32, src: i32, guest: i32, lost: i32): void {
  setFormat(kind, src, guest)
  setCarried(false)
  setLostType(lost)
  forgetRows()
  forgetTracer()
  forget(textLines)
  memory.fill(counts, 0, 16)
}

export function textCount(which: i32): u32 {
  return load<u32>(counts + (<usize>which << 2))
}

// @ts-ignore: decorator
@inline
function count(which: i32, n: u32): void {
  const at = counts + (<usize>which << 2)
  store<u32>(at, load<u32>(at) + n)
}

/** The line at hand has bytes above 127. */
let wide: bool = false

/** The newline at or after `p`. */
// @ts-ignore: decorator
@inline
function lineEnd(p: usize): usize {
  let above = 0
  while (true) {
    const v = v128.load(p)
    const newline = i8x16.bitmask(i8x16.eq(v, i8x16.splat(10)))
    const high = i8x16.bitmask(v)
    if (newline != 0) {
      wide = (above | (high & (newline ^ (newline - 1)))) != 0
      return p + ctz(newline)
    }
    above |= high
    p += 16
  }
}

// what became of a line
const LINE_ROW = 1
const LINE_SILENT = 2
const LINE_FRAME = 3
const LINE_TITLE = 4

/**
 * Scans the lines from `p` to `end` (just after a newline) into at most `max` rows. `last`: nothing follows, so
 * a stack at the end is whole. `held`: the rows of the last scan that made any are still there. `scannedTo` and
 * `blankLines` (lines without a row) tell the rest.
 */
export function scanText(p: usize, end: usize, rows: usize, max: i32, last: bool, held: bool): i32 {
  beginScan(held)
  let n = 0
  let silent = 0
  let row = rows
  while (p < end && n < max) {
    const first = p
    const again = repeated(textLines, p, end, row)
    if (again) {
      remember(row)
      p = again + 1
      row += ROW_BYTES
      n++
      continue
    }
    const newline = lineEnd(p)
    const stop = newline > first && load<u8>(newline - 1) == 13 ? newline - 1 : newline
    p = newline + 1
    if (stop == first) {
      silent++
      continue
    }
    const kind = line(first, stop, row)
    if (kind == LINE_ROW) {
      row += ROW_BYTES
      n++
    } else if (kind == LINE_SILENT) {
      silent++
    } else {
      // a frame, or the title before the frames
      p = stack(first, kind == LINE_FRAME ? first : titleFrame ? titleFrame : p, end, last, kind == LINE_FRAME ? -1 : cpu)
      if (!p) {
        p = first
        // it is read, and counted, again
        if (!soundUtf8(first, stop)) count(COUNT_NOT_UTF8, -1)
        break
      }
      silent += stackLines
      count(stackPlaced ? COUNT_STACKS : COUNT_SKIPPED, stackPlaced ? 1 : stackLines)
    }
  }
  endScan(n)
  scannedUpTo(p, silent)
  return n
}

const ADDRESSES: u32 =
  bit(OWN) | bit(ARGS) | bit(ARGS + 1) | bit(COMM) | bit(COMM + 1) | bit(FLAGS) | bit(FLAGS + 1)

/** One line, not empty: a row is filled, or it is counted, or it belongs to a stack. */
function line(first: usize, stop: usize, row: usize): i32 {
  if (wide && !soundUtf8(first, stop)) count(COUNT_NOT_UTF8, 1)
  if (format == TEXT_PERF && load<u8>(first) == 9 && isFrame(first, stop)) return LINE_FRAME
  memory.fill(row, 0, ROW_BYTES)
  if (stop - first > <usize>MAX_TEXT) return broken(row, first, stop, REASON_TEXT_LONG)
  if (isComment(first, stop)) {
    // what a line before it said of its src is no longer to be repeated
    if (!carried) forget(textLines)
    setCarried(true)
    commentRow(first, stop, row)
    return LINE_ROW
  }
  let after = head(first, stop)
  if (after) {
    let kind = event(after, first, stop, row)
    while (kind == KIND_BROKEN && !doubt) {
      after = nextHead(first, after, stop)
      if (!after) break
      kind = event(after, first, stop, row)
    }
    if (kind == KIND_STACK) return LINE_TITLE
    if (kind == KIND_SKIPPED) {
      count(COUNT_SKIPPED, 1)
      return LINE_SILENT
    }
    if (kind != KIND_ROW) return broken(row, first, stop, doubt ? doubt : REASON_NO_EVENT)
    if (load<u32>(row + TYPE * 4) == 0) {
      remember(row)
      // 9 digits of seconds: 2^64 ns are not reached
      if (!wide && digitsFrom && wholeDigits <= 9 && load<u8>(stop) == 10)
        offer(textLines, first, stop, digitsFrom, wholeDigits, fractionDigits, row, ADDRESSES, true)
    }
    return LINE_ROW
  }
  if (lossLine(first, stop, row)) return LINE_ROW
  if (format == TEXT_PERF && isFrame(first, stop)) return LINE_FRAME
  if (!isHeader(first, stop)) return broken(row, first, stop, doubt ? doubt : REASON_NO_EVENT)
  count(COUNT_HEADERS, 1)
  return LINE_SILENT
}

function broken(row: usize, first: usize, stop: usize, why: i32): i32 {
  memory.fill(row, 0, ROW_BYTES)
  put(row, HAS, HAS_BROKEN)
  put(row, REASON, why)
  put(row, REASON_AT, first)
  put(row, LINE, first)
  put(row, LINE_END, stop)
  return LINE_ROW
}

function soundUtf8(p: usize, stop: usize): bool {
  while (p < stop) {
    if (load<u8>(p) < 0x80) {
      p++
      continue
    }
    p = utf8(p)
    if (!p) return false
  }
  return true
}

const cpusText: usize = memory.data<u8>([99, 112, 117, 115, 61]) // cpus=

/**
 * `# …`, what trace-cmd says before the events (`cpus=2`, `version = 7`, `CPU 1 is empty`), and perf-prof around
 * them (`Connected to 127.0.0.1:9900`, `Disconnect from …`).
 */
function isHeader(p: usize, stop: usize): bool {
  if (load<u8>(p) == 35) {
    noteTracer(p, stop)
    return true
  }
  p = skipBlanks(p, stop)
  if (p == stop) return true
  if (format == TEXT_PERF) return stop - p >= 12 && load<u64>(p) == 0x4345525f46524550
  const eight = load<u64>(p)
  if (format == TEXT_PERF_PROF) return eight == 0x657463656e6e6f43 || eight == 0x656e6e6f63736944 // Connecte, Disconne
  if (<u32>eight == 0x73757063 && load<u8>(p, 4) == 61) return true // cpus=
  if (format == TEXT_TRACE_CMD && prefixBefore(p, stop, cpusText, 5, false)) return true
  if (eight == 0x206e6f6973726576) return true // version_
  if (<u32>eight != 0x20555043) return false // CPU_
  p += 4
  while (isDigit(load<u8>(p))) p++
  return load<u64>(p) == 0x74706d6520736920 // _is empt
}
