/**
 * The scanner of the wire format: lines of JSON in, a row of fixed-width columns a line out (layout.ts).
 *
 * The whole grammar is checked (RFC 8259, UTF-8 included), with no object built. A line is what
 * JSON.parse takes for an object; a member that comes twice counts the second time, as there.
 */
import { blank, escaped, fail, integer, integerUnsigned, integerValue, isDigit, reason, at, string, unescape, value } from './json'
import {
  ARGS,
  CLOSE,
  COMM,
  CPU,
  DELTA,
  END,
  EVENT,
  FLAGS,
  HAS,
  HAS_BROKEN,
  HAS_CPU,
  HAS_DELTA_NS,
  HAS_DELTA_TSC,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  HAS_SRC,
  HAS_SRC_MORE,
  HAS_TIME_UNSIGNED,
  HAS_TS,
  HAS_TSC,
  KEY,
  LINE,
  LINE_END,
  MAX_CPU,
  MAX_PID,
  PID,
  REASON,
  REASON_AT,
  REASON_CPU,
  REASON_DELTA,
  REASON_NAMES,
  REASON_NAME_TYPE,
  REASON_NOT_OBJECT,
  REASON_PID,
  REASON_SYNTAX,
  REASON_TIME,
  REASON_TRAILING,
  ROW_WORDS,
  SRC,
  START,
  TEXT,
  TIME,
  TIME_AFTER,
  TIME_AT,
  TYPE,
  VM,
} from './layout'
import { intern } from './names'
import { bit, jsonLines, offer, repeated } from './repeat'

const ROW_BYTES: usize = ROW_WORDS * 4
/** Room for a name or a member name with its escapes undone: no longer than a line. */
const scratch: usize = memory.data((1 << 20) + 64)

/** After the last line that `scan` took. */
let scanned: usize = 0
let blanks: i32 = 0

export function scannedTo(): usize {
  return scanned
}

/** For another scanner (text.ts): what the two functions answer after it. */
export function scannedUpTo(p: usize, silentLines: i32): void {
  scanned = p
  blanks = silentLines
}

/** How many lines the last `scan` skipped: blank ones, for text also headers and stacks. */
export function blankLines(): i32 {
  return blanks
}

// @ts-ignore: decorator
@inline
function put(row: usize, word: i32, value: usize): void {
  store<u32>(row + <usize>(word << 2), <u32>value)
}

// @ts-ignore: decorator
@inline
function get(row: usize, word: i32): u32 {
  return load<u32>(row + <usize>(word << 2))
}

// @ts-ignore: decorator
@inline
function set(row: usize, bits: u32): void {
  store<u32>(row + HAS * 4, load<u32>(row + HAS * 4) | bits)
}

// @ts-ignore: decorator
@inline
function clear(row: usize, bits: u32): void {
  store<u32>(row + HAS * 4, load<u32>(row + HAS * 4) & ~bits)
}

// @ts-ignore: decorator
@inline
function zero(row: usize): void {
  // eight stores are faster than the call that memory.fill is
  const none = i64x2.splat(0)
  v128.store(row, none)
  v128.store(row, none, 16)
  v128.store(row, none, 32)
  v128.store(row, none, 48)
  v128.store(row, none, 64)
  v128.store(row, none, 80)
  v128.store(row, none, 96)
  v128.store(row, none, 112)
}

/** A member that is read but means nothing (`"cpu":"x"`): the line is JSON, yet not to be used. */
function doubt(row: usize, why: i32, where: usize): void {
  if (get(row, REASON) != 0) return
  put(row, REASON, why)
  put(row, REASON_AT, where)
}

/** Address of the newline at or after `p`. There always is one. */
export function newline(p: usize): usize {
  while (true) {
    const m = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(10)))
    if (m != 0) return p + ctz(m)
    p += 16
  }
}

/**
 * Scans the lines from `p` to `end` (just after a newline) into rows; at most `max` rows, blank lines
 * skipped. Answers how many; `scannedTo` says where it stopped.
 */
export function scan(p: usize, end: usize, rows: usize, max: i32): i32 {
  let n = 0
  let row = rows
  blanks = 0
  while (p < end && n < max) {
    const first = p
    const again = repeated(jsonLines, p, end, row)
    if (again) {
      p = again + 1
      row += ROW_BYTES
      n++
      continue
    }
    p = blank(p)
    if (load<u8>(p) == 10) {
      p++
      blanks++
      continue
    }
    zero(row)
    put(row, LINE, first)
    const close = line(p, row)
    if (close == 0) {
      const after = newline(at)
      put(row, HAS, HAS_BROKEN)
      put(row, REASON, reason)
      put(row, REASON_AT, at)
      put(row, LINE_END, after)
      p = after + 1
    } else {
      put(row, CLOSE, close - 1)
      // an event's `end_ts` is not its time
      if (get(row, TIME_AT) == 0 && get(row, TYPE) == 0) clear(row, HAS_TS | HAS_TSC)
      p = blank(close)
      put(row, LINE_END, p)
      if (get(row, TYPE) == 0 && get(row, TIME_AT) != 0 && get(row, REASON) == 0) offerEvent(first, p, row)
      p++
    }
    row += ROW_BYTES
    n++
  }
  scanned = p
  return n
}

const ADDRESSES: u32 =
  bit(LINE) | bit(LINE_END) | bit(TIME_AT) | bit(TIME_AFTER) | bit(CLOSE) | bit(ARGS) | bit(ARGS + 1) |
  bit(COMM) | bit(COMM + 1) | bit(FLAGS) | bit(FLAGS + 1) | bit(TEXT) | bit(TEXT + 1)
const KEY_ADDRESSES: u32 = bit(KEY) | bit(KEY + 1)

/** An event may come again with another time, where that is a string of digits. */
function offerEvent(first: usize, end: usize, row: usize): void {
  const quote = <usize>get(row, TIME_AFTER) - 1
  if (load<u8>(quote) != 34) return
  let from = quote
  while (isDigit(load<u8>(from - 1))) from--
  if (load<u8>(from - 1) != 34) return
  const keys = (get(row, HAS) & HAS_KEY_TEXT) != 0 ? KEY_ADDRESSES : 0
  offer(jsonLines, first, end, from, <u32>(quote - from), 0, row, ADDRESSES | keys, false)
}

/** The object at `p`, to the end of its line. After its closing brace, or 0. */
function line(p: usize, row: usize): usize {
  if (load<u8>(p) != 123) return fail(REASON_NOT_OBJECT, p)
  p = blank(p + 1)
  if (load<u8>(p) != 125) {
    while (true) {
      if (load<u8>(p) != 34) return fail(REASON_SYNTAX, p)
      const name = p + 1
      p = string(name)
      if (!p) return 0
      const nameEscaped = escaped
      const nameEnd = p - 1
      if (load<u8>(p) != 58) {
        p = blank(p)
        if (load<u8>(p) != 58) return fail(REASON_SYNTAX, p)
      }
      p++
      if (load<u8>(p) <= 32) p = blank(p)
      const from = p
      p = value(p, 1)
      if (!p) return 0
      if (nameEscaped) member(scratch, unescape(name, nameEnd, scratch) - scratch, name - 1, from, p, row)
      else member(name, nameEnd - name, name - 1, from, p, row)
      let c = load<u8>(p)
      if (c <= 32) {
        p = blank(p)
        c = load<u8>(p)
      }
      p++
      if (c == 125) break
      if (c != 44) return fail(REASON_SYNTAX, p - 1)
      if (load<u8>(p) <= 32) p = blank(p)
    }
  } else p++
  if (load<u8>(p) == 10) return p
  const rest = blank(p)
  return load<u8>(rest) == 10 ? p : fail(REASON_TRAILING, rest)
}

// the first eight bytes of a name, as little-endian loads see them
const N_TS: u32 = 0x7374 // ts
const N_VM: u32 = 0x6d76 // vm
const N_TSC: u32 = 0x637374 // tsc, under a mask of 24 bits
const N_SRC: u32 = 0x637273
const N_CPU: u32 = 0x757063
const N_PID: u32 = 0x646970
const N_KEY: u32 = 0x79656b
const N_END: u32 = 0x646e65
const N_ARGS: u32 = 0x73677261
const N_COMM: u32 = 0x6d6d6f63
const N_TYPE: u32 = 0x65707974
const N_TEXT: u32 = 0x74786574

/** Puts the member `name` (length bytes), whose value is the text from `from` to `to`, into its column. */
function member(name: usize, length: usize, quote: usize, from: usize, to: usize, row: usize): void {
  if (length == 2) {
    const n = <u32>load<u16>(name)
    if (n == N_TS) time(quote, from, to, row, HAS_TS, HAS_TSC)
    else if (n == N_VM) {
      set(row, HAS_SRC_MORE)
      nameColumn(from, to, row, VM)
    }
    return
  }
  if (length == 3) {
    const n = load<u32>(name) & 0xffffff
    if (n == N_TSC) time(quote, from, to, row, HAS_TSC, HAS_TS)
    else if (n == N_SRC) {
      set(row, (get(row, HAS) & HAS_SRC) != 0 ? HAS_SRC_MORE : HAS_SRC)
      nameColumn(from, to, row, SRC)
    }
    else if (n == N_CPU) small(from, to, row, CPU, HAS_CPU, REASON_CPU, MAX_CPU)
    else if (n == N_PID) small(from, to, row, PID, HAS_PID, REASON_PID, MAX_PID)
    else if (n == N_KEY) key(from, to, row)
    else if (n == N_END) {
      // a pair's `end` is a name; other records may have an `end` of their own
      if (load<u8>(from) == 34) nameColumn(from, to, row, END)
      else put(row, END, 0)
    }
    return
  }
  if (length == 4) {
    const n = load<u32>(name)
    if (n == N_ARGS) span(from, to, row, ARGS)
    else if (n == N_COMM) span(from, to, row, COMM)
    else if (n == N_TYPE) nameColumn(from, to, row, TYPE)
    else if (n == N_TEXT) span(from, to, row, TEXT)
    return
  }
  if (length == 5) {
    const n = load<u32>(name)
    const last = load<u8>(name, 4)
    if (n == 0x6e657665 && last == 116) nameColumn(from, to, row, EVENT)
    else if (n == 0x67616c66 && last == 115) span(from, to, row, FLAGS)
    else if (n == 0x72617473 && last == 116) {
      if (load<u8>(from) == 34) nameColumn(from, to, row, START)
      else put(row, START, 0)
    }
    return
  }
  if (length == 6 && load<u32>(name) == 0x5f646e65 && load<u16>(name, 4) == N_TS) pairTime(from, to, row, HAS_TS)
  else if (length == 7 && load<u32>(name) == 0x5f646e65) {
    const last = load<u32>(name, 3) >>> 8
    if (last == N_TSC) pairTime(from, to, row, HAS_TSC)
    else if (last == N_SRC) set(row, HAS_SRC_MORE)
  }
  else if (length == 8 && load<u64>(name) == 0x736e5f61746c6564) delta(from, to, row, HAS_DELTA_NS, HAS_DELTA_TSC)
  else if (length == 9 && load<u8>(name, 8) == 99) {
    const eight = load<u64>(name)
    if (eight == 0x73745f61746c6564) delta(from, to, row, HAS_DELTA_TSC, HAS_DELTA_NS)
    else if (eight == 0x72735f7472617473) set(row, HAS_SRC_MORE) // start_sr
  }
}

// @ts-ignore: decorator
@inline
function span(from: usize, to: usize, row: usize, word: i32): void {
  put(row, word, from)
  put(row, word + 1, to)
}

/** `ts` or `tsc`. Where a line has both, `ts` is its time, and the row knows of no other. */
function time(quote: usize, from: usize, to: usize, row: usize, bit: u32, other: u32): void {
  if (bit == HAS_TSC && (get(row, HAS) & other) != 0) return
  put(row, TIME_AT, quote)
  put(row, TIME_AFTER, to)
  const quoted = load<u8>(from) == 34
  const ok = quoted ? integer(from + 1, to - 1) : integer(from, to)
  if (!ok) {
    doubt(row, REASON_TIME, from)
    return
  }
  store<i64>(row + TIME * 4, integerValue)
  clear(row, HAS_TIME_UNSIGNED | other)
  set(row, bit | (integerUnsigned ? HAS_TIME_UNSIGNED : 0))
}

/** A pair's `end_ts` or `end_tsc` is its time; where the record has a `ts` of its own, that is. */
function pairTime(from: usize, to: usize, row: usize, bit: u32): void {
  if (get(row, TIME_AT) != 0) return
  if (!(load<u8>(from) == 34 ? integer(from + 1, to - 1) : integer(from, to))) return
  store<i64>(row + TIME * 4, integerValue)
  set(row, bit)
}

function nameColumn(from: usize, to: usize, row: usize, word: i32): void {
  if (load<u8>(from) != 34) {
    put(row, word, 0)
    if (load<u8>(from) != 110) doubt(row, REASON_NAME_TYPE, from)
    return
  }
  let name = from + 1
  let length = to - 1 - name
  if (hasEscape(name, length)) {
    length = unescape(name, to - 1, scratch) - scratch
    name = scratch
  }
  const id = intern(name, <u32>length)
  if (id < 0) {
    doubt(row, REASON_NAMES, from)
    return
  }
  put(row, word, id)
}

function hasEscape(p: usize, length: usize): bool {
  const end = p + length
  while (p < end) {
    const m = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(92)))
    if (m != 0) return p + ctz(m) < end
    p += 16
  }
  return false
}

/** A member that is a small number, 0 to below `limit`. */
function small(from: usize, to: usize, row: usize, word: i32, bit: u32, why: i32, limit: i64): void {
  if (!integer(from, to) || integerValue < 0 || integerValue >= limit || integerUnsigned) {
    clear(row, bit)
    doubt(row, why, from)
    return
  }
  put(row, word, <usize>integerValue)
  set(row, bit)
}

/** An integer, as a number or as a string of digits; anything else as its text. `null` is no key. */
function key(from: usize, to: usize, row: usize): void {
  clear(row, HAS_KEY_INTEGER | HAS_KEY_TEXT | HAS_KEY_UNSIGNED)
  const first = load<u8>(from)
  if (first == 110) return
  if (first == 34 ? integer(from + 1, to - 1) : integer(from, to)) {
    store<i64>(row + KEY * 4, integerValue)
    set(row, HAS_KEY_INTEGER | (integerUnsigned ? HAS_KEY_UNSIGNED : 0))
    return
  }
  span(from, to, row, KEY)
  set(row, HAS_KEY_TEXT)
}

function delta(from: usize, to: usize, row: usize, bit: u32, other: u32): void {
  clear(row, other)
  if (!integer(from, to)) {
    doubt(row, REASON_DELTA, from)
    return
  }
  store<i64>(row + DELTA * 4, integerValue)
  set(row, bit)
}

/** End of the value that `find` found. */
let found: usize = 0

export function foundEnd(): usize {
  return found
}

/**
 * The value of the member named by the `length` bytes at `name` in the object whose brace is at `p`: its
 * address, or 0. The object has been scanned before, so it is sound. The last of two members counts.
 */
export function find(p: usize, name: usize, length: usize): usize {
  let result: usize = 0
  p = blank(p + 1)
  while (load<u8>(p) == 34) {
    let candidate = p + 1
    p = string(candidate)
    let size = p - 1 - candidate
    if (escaped) {
      size = unescape(candidate, p - 1, scratch) - scratch
      candidate = scratch
    }
    p = blank(blank(p) + 1)
    const from = p
    p = value(p, 1)
    if (!p) return 0
    if (size == length && memory.compare(candidate, name, length) == 0) {
      result = from
      found = p
    }
    p = blank(p)
    if (load<u8>(p) == 44) p = blank(p + 1)
  }
  return result
}
