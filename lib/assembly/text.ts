/**
 * The scanner of trace text: lines that a kernel, trace-cmd, perf or perf-prof printed, in; a row an event, out.
 *
 * Only the head of a line is read here: who, where, when, which event. The rest stays where it is, its address
 * in the row, until somebody wants the line as JSON (text-line.ts). In such a row (LINE is 0) COMM, FLAGS, ARGS
 * and TEXT hold the raw comm, flags, event text and stack, OWN the address of the line, OWN + 1 the format.
 *
 * A comm may hold anything (`w [001] y`, `CPU:1 [LOST 9`), and so may an event's text. What cannot be
 * mistaken is the time: digits, a colon, a blank, with the right columns before it. So the head is read
 * backwards from the first such colon where everything fits.
 */
import { isDigit, utf8 } from './json'
import {
  ARGS,
  COMM,
  CPU,
  EVENT,
  FLAGS,
  HAS,
  HAS_BROKEN,
  HAS_CPU,
  HAS_KEY_INTEGER,
  HAS_PID,
  HAS_TIME_UNSIGNED,
  HAS_TS,
  HAS_TSC,
  KEY,
  LINE,
  LINE_END,
  MAX_CPU,
  OWN,
  PID,
  REASON,
  REASON_AT,
  REASON_CPU,
  REASON_NAMES,
  REASON_NO_EVENT,
  REASON_PID,
  REASON_TEXT_LONG,
  REASON_TIME,
  ROW_WORDS,
  SRC,
  TEXT,
  TIME,
  TYPE,
} from './layout'
import { intern } from './names'
import { scannedUpTo } from './scan'
import {
  COUNT_HEADERS,
  COUNT_NOT_UTF8,
  COUNT_SKIPPED,
  COUNT_STACKS,
  MAX_STACK,
  MAX_TEXT,
  TEXT_FTRACE,
  TEXT_PERF,
  TEXT_PERF_PROF,
  TEXT_TRACE_CMD,
} from './text-layout'

const ROW_BYTES: usize = ROW_WORDS * 4
/** How far into a line its time is looked for: a comm of 64 bytes, a file's name and the columns. */
const HEAD: usize = 384

// the stream that is read
let format: i32 = 0
let mainSrc: i32 = 0
let guestSrc: i32 = 0
let lostType: i32 = 0
const counts: usize = memory.data(16)

/** Per CPU (the last slot: unknown): the row of its last event, and the scan that made it. For stacks. */
const lastRows: usize = memory.data(8 * 65537)
let scans: u32 = 0
/** The last scan that made a row. */
let fruitful: u32 = 0
/** Rows of scans before this one may be gone. */
let kept: u32 = 0

/** A new input: its format, its src, the src of events marked as a guest's, and the name of the type `lost`. */
export function openText(kind: i32, src: i32, guest: i32, lost: i32): void {
  format = kind
  mainSrc = src
  guestSrc = guest
  lostType = lost
  fruitful = scans + 1
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

// @ts-ignore: decorator
@inline
function put(row: usize, word: i32, value: usize): void {
  store<u32>(row + <usize>(word << 2), <u32>value)
}

// what `head` found
let time: u64 = 0
let seconds: bool = false
let cpu: i32 = -1
let pid: i32 = -1
let src: i32 = 0
let commFrom: usize = 0
let commEnd: usize = 0
let flagsFrom: usize = 0
let flagsEnd: usize = 0
/** A number of a head that has the right form is too big: why. */
let doubt: i32 = 0

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

/**
 * Scans the lines from `p` to `end` (just after a newline) into at most `max` rows. `last`: nothing follows, so
 * a stack at the end is whole. `held`: the rows of the last scan that made any are still there. `scannedTo` and
 * `blankLines` (lines without a row) tell the rest.
 */
export function scanText(p: usize, end: usize, rows: usize, max: i32, last: bool, held: bool): i32 {
  scans++
  kept = held ? fruitful : scans
  let n = 0
  let silent = 0
  let row = rows
  while (p < end && n < max) {
    const first = p
    const newline = lineEnd(p)
    let stop = newline
    if (stop > first && load<u8>(stop - 1) == 13) stop--
    p = newline + 1
    if (stop == first) {
      silent++
      continue
    }
    if (wide && !soundUtf8(first, stop)) count(COUNT_NOT_UTF8, 1)
    if (load<u8>(first) == 9 && isPerf() && isFrame(first, stop)) {
      p = stack(first, first, end, last, TIME_UNKNOWN)
      if (!p) {
        p = first
        break
      }
      silent += lines
      continue
    }
    memory.fill(row, 0, ROW_BYTES)
    const after: usize = stop - first > <usize>MAX_TEXT ? 0 : head(first, stop)
    if (after) {
      const kind = event(after, first, stop, row)
      if (kind == KIND_ROW) {
        row += ROW_BYTES
        n++
        continue
      }
      if (kind == KIND_SKIPPED) {
        count(COUNT_SKIPPED, 1)
        silent++
        continue
      }
      if (kind == KIND_STACK) {
        p = stack(first, p, end, last, cpu)
        if (!p) {
          p = first
          break
        }
        silent += lines
        continue
      }
    } else if (lossLine(first, stop, row)) {
      row += ROW_BYTES
      n++
      continue
    } else if (isPerf() && isFrame(first, stop)) {
      p = stack(first, first, end, last, TIME_UNKNOWN)
      if (!p) {
        p = first
        break
      }
      silent += lines
      continue
    } else if (isHeader(first, stop)) {
      count(COUNT_HEADERS, 1)
      silent++
      continue
    }
    broken(row, first, stop, stop - first > <usize>MAX_TEXT ? REASON_TEXT_LONG : doubt ? doubt : REASON_NO_EVENT)
    row += ROW_BYTES
    n++
  }
  if (n > 0) fruitful = scans
  scannedUpTo(p, silent)
  return n
}

const KIND_BROKEN = 0
const KIND_ROW = 1
const KIND_SKIPPED = 2
const KIND_STACK = 3

function broken(row: usize, first: usize, stop: usize, why: i32): void {
  memory.fill(row, 0, ROW_BYTES)
  put(row, HAS, HAS_BROKEN)
  put(row, REASON, why)
  put(row, REASON_AT, first)
  put(row, LINE, first)
  put(row, LINE_END, stop)
}

// @ts-ignore: decorator
@inline
function isPerf(): bool {
  return format == TEXT_PERF
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

// --- the head of a line ---

/**
 * Reads the head of the line: after the colon of its time, or 0. Candidates are colons after a digit and before
 * a blank. For perf a head without a pid counts only where none with a pid is found.
 */
function head(first: usize, stop: usize): usize {
  const found = candidates(first, stop, true) || (format == TEXT_PERF ? candidates(first, stop, false) : 0)
  if (!found) doubt = 0
  return found
}

function candidates(first: usize, stop: usize, strict: bool): usize {
  const limit = min(stop, first + HEAD)
  let p = first
  while (p < limit) {
    let m = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(58)))
    while (m != 0) {
      const colon = p + ctz(m)
      if (colon >= limit) return 0
      m &= m - 1
      if (colon + 1 < stop && load<u8>(colon, 1) != 32) continue
      if (colon == first) continue
      const before = load<u8>(colon - 1)
      if (!isDigit(before) && !(format == TEXT_FTRACE && isDelayMark(before))) continue
      if (columns(first, colon, strict)) return colon + 1
    }
    p += 16
  }
  return 0
}

/** What latency-format puts after `us` (kernel/trace/trace_output.c: mark). */
// @ts-ignore: decorator
@inline
function isDelayMark(c: u8): bool {
  return c == 32 || c == 33 || c == 35 || c == 36 || c == 42 || c == 43 || c == 64 || c == 115
}

// @ts-ignore: decorator
@inline
function backBlanks(first: usize, p: usize): usize {
  while (p > first && load<u8>(p - 1) == 32) p--
  return p
}

// @ts-ignore: decorator
@inline
function backWord(first: usize, p: usize): usize {
  while (p > first && load<u8>(p - 1) > 32) p--
  return p
}

// @ts-ignore: decorator
@inline
function backDigits(first: usize, p: usize): usize {
  while (p > first && isDigit(load<u8>(p - 1))) p--
  return p
}

/** Everything before the colon of the time, backwards. */
function columns(first: usize, colon: usize, strict: bool): bool {
  doubt = 0
  cpu = -1
  pid = -1
  src = mainSrc
  commFrom = 0
  flagsFrom = 0
  flagsEnd = 0
  let e = colon
  let micros = false
  if (!isDigit(load<u8>(e - 1))) {
    if (load<u8>(e - 1) != 115) e--
    if (e < first + 3 || load<u16>(e - 2) != 0x7375) return false // us
    e -= 2
    micros = true
  }
  const s = backWord(first, e)
  let k = timeWord(s, e)
  if (!k) return false
  if (micros) {
    if (seconds) return false
    seconds = true
    time *= 1000
  }
  if (format == TEXT_PERF) return seconds && perfColumns(first, s, strict)
  if (format == TEXT_PERF_PROF) return seconds && perfProfColumns(first, s)
  if (cpu < 0) {
    k = flagsAndCpu(first, backBlanks(first, s))
    if (!k) return false
  }
  return taskAndPid(first, backBlanks(first, k))
}

/**
 * The word of the time, from `s` to `e`: `322.335930`, `322335930211`, and what trace-cmd glues to it:
 * `[000]322335930211`, `0d.s3.322335930211`. Answers where the columns before it end, or 0.
 */
function timeWord(s: usize, e: usize): usize {
  let t = s
  if (load<u8>(t) == 91) {
    t++
    const number = t
    while (isDigit(load<u8>(t))) t++
    if (t == number || load<u8>(t) != 93) return 0
    cpu = smallNumber(number, t, MAX_CPU, REASON_CPU)
    t++
  }
  const from = t
  while (t < e && isDigit(load<u8>(t))) t++
  if (t == from) return 0
  if (timeValue(from, e)) return s
  // latency: the CPU, five flags, the time
  if (cpu >= 0 || t - from > 5 || t + 5 >= e || !timeValue(t + 5, e)) return 0
  cpu = smallNumber(from, t, MAX_CPU, REASON_CPU)
  flagsFrom = t
  flagsEnd = t + 5
  return s
}

function timeValue(p: usize, e: usize): bool {
  let n: u64 = 0
  const from = p
  while (p < e) {
    const digit = load<u8>(p) - 48
    if (digit > 9) break
    if (p - from >= 19 && (n > 1844674407370955161 || (n == 1844674407370955161 && digit > 5))) doubt = REASON_TIME
    n = n * 10 + digit
    p++
  }
  if (p == from) return false
  if (p == e) {
    seconds = false
    time = n
    return true
  }
  if (load<u8>(p) != 46) return false
  const fraction = e - p - 1
  if (fraction == 0 || fraction > 9) return false
  if (n > 18446744072) doubt = REASON_TIME
  let ns: u64 = 0
  for (let i: usize = 1; i <= 9; i++) {
    ns *= 10
    if (i <= fraction) {
      const digit = load<u8>(p + i) - 48
      if (digit > 9) return false
      ns += digit
    }
  }
  seconds = true
  time = n * 1000000000 + ns
  return true
}

function smallNumber(p: usize, e: usize, limit: i64, why: i32): i32 {
  let n: i64 = 0
  if (e - p > 12) n = limit
  else {
    while (p < e) {
      n = n * 10 + (load<u8>(p) - 48)
      p++
    }
  }
  if (n < limit) return <i32>n
  doubt = why
  return 0
}

/** `[012]` that ends at `k`: its first byte, or 0. */
function cpuBefore(first: usize, k: usize): usize {
  if (k <= first + 2 || load<u8>(k - 1) != 93) return 0
  const d = backDigits(first, k - 1)
  if (d == k - 1 || d == first || load<u8>(d - 1) != 91) return 0
  cpu = smallNumber(d, k - 1, MAX_CPU, REASON_CPU)
  return d - 1
}

/** `[001] d..2.`, `[001]`, or latency-format's `1d..2.`, ending at `k`: where it begins, or 0. */
function flagsAndCpu(first: usize, k: usize): usize {
  if (k == first) return 0
  const bare = cpuBefore(first, k)
  if (bare) return bare
  const f = backWord(first, k)
  const bracket = cpuBefore(first, backBlanks(first, f))
  if (bracket) {
    flagsFrom = f
    flagsEnd = k
    return bracket
  }
  let d = f
  while (d < k && isDigit(load<u8>(d))) d++
  if (d == f || k - d < 4 || k - d > 6 || d - f > 5) return 0
  cpu = smallNumber(f, d, MAX_CPU, REASON_CPU)
  flagsFrom = d
  flagsEnd = k
  return f
}

/** `comm-pid`, with the column `(  tgid)` or without, ending at `k`. */
function taskAndPid(first: usize, k: usize): bool {
  if (k > first && load<u8>(k - 1) == 41) {
    let g = k - 1
    while (g > first && k - g < 14 && (isDigit(load<u8>(g - 1)) || load<u8>(g - 1) == 32 || load<u8>(g - 1) == 45)) g--
    if (g > first && load<u8>(g - 1) == 40) k = backBlanks(first, g - 1)
  }
  const d = backDigits(first, k)
  if (d == k || d == first || load<u8>(d - 1) != 45) return false
  pid = smallNumber(d, k, 0x80000000, REASON_PID)
  setComm(format == TEXT_TRACE_CMD ? filePrefix(skipBlanks(first, d)) : skipBlanks(first, d), d - 1)
  return true
}

// @ts-ignore: decorator
@inline
function skipBlanks(p: usize, end: usize): usize {
  while (p < end && load<u8>(p) == 32) p++
  return p
}

function setComm(from: usize, end: usize): void {
  if (from > end) from = end
  // <...>: the kernel did not remember
  if (end - from == 5 && load<u32>(from) == 0x2e2e2e3c && load<u8>(from, 4) == 62) return
  commFrom = from
  commEnd = end
}

/**
 * `trace-vm1.dat: ` before a line, where a report is of several files. trace-cmd calls a guest's file
 * trace-GUEST.dat, so GUEST is the src of its lines; trace.dat is the host's.
 */
function filePrefix(p: usize): usize {
  let e = p
  while (load<u8>(e) > 32) e++
  if (load<u8>(e) != 32 || e < p + 6 || load<u8>(e - 1) != 58 || load<u32>(e - 5) != 0x7461642e) return p // .dat:
  let from = p
  const name = e - 5
  if (name - from >= 5 && load<u32>(from) == 0x63617274 && load<u8>(from, 4) == 101) {
    from += 5
    if (from < name && load<u8>(from) == 45) from++
    else if (from < name) from -= 5
  }
  if (from < name) {
    const id = intern(from, <u32>(name - from))
    if (id < 0) doubt = REASON_NAMES
    else src = id
  }
  return skipBlanks(e, e + HEAD)
}

/** `comm  pid/tid [cpu]`, any but the time may be missing. */
function perfColumns(first: usize, s: usize, strict: bool): bool {
  let k = backBlanks(first, s)
  const bracket = cpuBefore(first, k)
  if (bracket) k = backBlanks(first, bracket)
  let d = backDigits(first, k)
  const digits = d
  if (d < k && d > first && load<u8>(d - 1) == 47) {
    const slash = d - 1
    d = backDigits(first, slash)
    if (d == slash) d = digits
  }
  let commTo = k
  if (digits < k && (d == first || load<u8>(d - 1) == 32)) {
    pid = smallNumber(digits, k, 0x80000000, REASON_PID)
    commTo = d
  } else if (digits < k && load<u8>(digits - 1) == 45 && (digits - 1 == first || load<u8>(digits - 2) == 32)) {
    commTo = digits - 1 // -1: perf does not know
  } else if (strict) return false
  const from = skipBlanks(first, commTo)
  commTo = backBlanks(from, commTo)
  if (from >= commTo) return true
  // perf prints :PID for a comm that it does not know
  if (load<u8>(from) == 58 && backDigits(from, commTo) == from + 1) return true
  setComm(from, commTo)
  return true
}

/** `2023-04-12 13:47:26.370747 G           <idle>      0 d.h. [077]` */
function perfProfColumns(first: usize, s: usize): bool {
  const bracket = cpuBefore(first, backBlanks(first, s))
  if (!bracket) return false
  let k = backBlanks(first, bracket)
  let w = backWord(first, k)
  if (backDigits(w, k) != w) {
    flagsFrom = w
    flagsEnd = k
    k = backBlanks(first, w)
    w = backWord(first, k)
  }
  if (w == k || backDigits(w, k) != w) return false
  pid = smallNumber(w, k, 0x80000000, REASON_PID)
  let from = first
  if (isDate(first) && first + 28 < w) {
    if (load<u8>(first, 27) == 71 && load<u8>(first, 28) == 32) src = guestSrc
    from = first + 28
  }
  from = skipBlanks(from, w)
  setComm(from, backBlanks(from, w))
  return true
}

/** `2023-04-12 13:47:26.370747 ` */
function isDate(p: usize): bool {
  return (
    load<u8>(p, 4) == 45 &&
    load<u8>(p, 7) == 45 &&
    load<u8>(p, 10) == 32 &&
    load<u8>(p, 13) == 58 &&
    load<u8>(p, 16) == 58 &&
    load<u8>(p, 19) == 46 &&
    load<u8>(p, 26) == 32
  )
}

// --- the event ---

/** After the time: the event's name and where its text stands. Fills the row. */
function event(p: usize, first: usize, stop: usize, row: usize): i32 {
  if (doubt) return KIND_BROKEN
  p = skipBlanks(p, stop)
  let e = p
  while (e < stop && load<u8>(e) > 32) e++
  if (format == TEXT_PERF) {
    if (isDigits(p, e)) {
      // the period
      p = skipBlanks(e, stop)
      e = p
      while (e < stop && load<u8>(e) > 32) e++
    }
    if (e - p >= 12 && load<u64>(p) == 0x4345525f46524550 && load<u32>(p, 8) == 0x5f44524f) return perfRecord(p, stop, row) // PERF_RECORD_
  }
  if (e == p) return KIND_BROKEN
  if (isDashed()) {
    if (load<u32>(p) == 0x5f737973) {
      const call = syscallText(p, e, stop, row)
      if (call) return call < 0 ? KIND_BROKEN : fill(row, <u32>call, first)
    }
    if (load<u8>(p) == 60 && isStackTitle(p, stop)) return KIND_STACK
  }
  if (load<u8>(e - 1) != 58) return isDashed() ? functionText(p, stop, row, first) : KIND_BROKEN
  if (e - 1 == p) return KIND_BROKEN
  const id = intern(p, <u32>(e - 1 - p))
  if (id < 0) {
    doubt = REASON_NAMES
    return KIND_BROKEN
  }
  let text = e
  if (format == TEXT_TRACE_CMD) {
    text = skipBlanks(e, stop)
    if (text < stop && load<u8>(text) == 60 && isStackTitle(text, stop)) return KIND_STACK
  } else if (text < stop) text++
  span(row, ARGS, text, stop)
  return fill(row, id, first)
}

/** Printed by the kernel's or trace-cmd's own hand: `comm-pid`, names without a system. */
// @ts-ignore: decorator
@inline
function isDashed(): bool {
  return format == TEXT_FTRACE || format == TEXT_TRACE_CMD
}

function isDigits(p: usize, e: usize): bool {
  return p < e && backDigits(p, e) == p
}

// @ts-ignore: decorator
@inline
function span(row: usize, word: i32, from: usize, end: usize): void {
  put(row, word, from)
  put(row, word + 1, end)
}

function fill(row: usize, id: u32, first: usize): i32 {
  let has: u32 = seconds ? HAS_TS : HAS_TSC
  if (time >= 0x8000000000000000) has |= HAS_TIME_UNSIGNED
  store<u64>(row + TIME * 4, time)
  put(row, EVENT, id)
  put(row, SRC, src)
  if (cpu >= 0) {
    put(row, CPU, cpu)
    has |= HAS_CPU
  }
  if (pid >= 0) {
    put(row, PID, pid)
    has |= HAS_PID
  }
  put(row, HAS, has)
  if (commFrom) span(row, COMM, commFrom, commEnd)
  if (flagsFrom) span(row, FLAGS, flagsFrom, flagsEnd)
  put(row, OWN, first)
  put(row, OWN + 1, format)
  const last = lastRows + (<usize>(cpu < 0 ? MAX_CPU : cpu) << 3)
  store<u32>(last, <u32>row)
  store<u32>(last, scans, 4)
  if (format == TEXT_PERF) {
    store<u32>(lastRows + ((<usize>MAX_CPU) << 3), <u32>row)
    store<u32>(lastRows + ((<usize>MAX_CPU) << 3), scans, 4)
  }
  return KIND_ROW
}

// sys_enter_ and sys_exit_, and room for a name after it
const enter: usize = memory.data<u8>([115, 121, 115, 95, 101, 110, 116, 101, 114, 95])
const exit: usize = memory.data<u8>([115, 121, 115, 95, 101, 120, 105, 116, 95])
const functionName: usize = memory.data<u8>([102, 117, 110, 99, 116, 105, 111, 110])
const nameRoom: usize = memory.data(512)

/**
 * `sys_pread64(fd: 3, buf: 7ffe493de170, count: 310, pos: 40)` is syscalls:sys_enter_pread64, `sys_pread64 -> 0x310`
 * sys_exit_pread64 (kernel/trace/trace_syscalls.c). Answers the event's id, 0 where it is neither, -1: no room.
 */
function syscallText(p: usize, e: usize, stop: usize, row: usize): i32 {
  let n = p
  while (n < e && load<u8>(n) != 40) n++
  if (n - p > 200) return 0
  if (n < e) {
    const close = load<u8>(stop - 1) == 41 ? stop - 1 : stop
    span(row, ARGS, n + 1, max(close, n + 1))
    memory.copy(nameRoom, enter, 10)
    memory.copy(nameRoom + 10, p + 4, n - p - 4)
    return intern(nameRoom, <u32>(n - p + 6))
  }
  // " -> "
  if (e + 4 > stop || load<u32>(e) != 0x203e2d20) return 0
  span(row, ARGS, e + 4, stop)
  memory.copy(nameRoom, exit, 9)
  memory.copy(nameRoom + 9, p + 4, e - p - 4)
  return intern(nameRoom, <u32>(e - p + 5))
}

/** `irqfd_inject <-process_one_work`: the function tracer. */
function functionText(p: usize, stop: usize, row: usize, first: usize): i32 {
  let q = p
  while (q + 3 <= stop) {
    if (load<u8>(q) == 32 && load<u16>(q, 1) == 0x2d3c) {
      span(row, ARGS, p, stop)
      return fill(row, intern(functionName, 8), first)
    }
    q++
  }
  return KIND_BROKEN
}

/** `<stack trace>`, `<stack trace >`, `<user stack trace>` */
function isStackTitle(p: usize, stop: usize): bool {
  if (stop - p < 13) return false
  const eight = load<u64>(p)
  return eight == 0x74206b636174733c || eight == 0x747320726573753c // <stack t, <user st
}

/** PERF_RECORD_LOST is a loss; other records of perf are none of ours. */
function perfRecord(p: usize, stop: usize, row: usize): i32 {
  if (stop - p < 17 || load<u32>(p, 12) != 0x54534f4c || load<u8>(p, 16) != 32) return KIND_SKIPPED // LOST
  let d = p + 16
  while (d < stop && !isDigit(load<u8>(d))) d++
  let e = d
  while (e < stop && isDigit(load<u8>(e))) e++
  return loss(row, d, e)
}

// --- lines that are no events ---

/** `CPU:0 [LOST 2329 EVENTS]`, `CPU:0 [LOST EVENTS]`, trace-cmd's `CPU:0 [120 EVENTS DROPPED]`, `[120 EVENTS DROPPED]`. */
function lossLine(p: usize, stop: usize, row: usize): bool {
  p = skipBlanks(p, stop)
  stop = backBlanks(p, stop)
  cpu = -1
  src = mainSrc
  if (load<u32>(p) == 0x3a555043) {
    const d = p + 4
    p = d
    while (isDigit(load<u8>(p))) p++
    if (p == d) return false
    cpu = smallNumber(d, p, MAX_CPU, REASON_CPU)
    p = skipBlanks(p, stop)
  }
  if (p + 8 > stop || load<u8>(p) != 91 || load<u8>(stop - 1) != 93) return false
  p++
  const lost = load<u32>(p) == 0x54534f4c
  if (lost) p += 4
  p = skipBlanks(p, stop)
  const d = p
  while (isDigit(load<u8>(p))) p++
  const e = p
  p = skipBlanks(p, stop)
  // EVENTS
  if (load<u32>(p) != 0x4e455645 || load<u16>(p, 4) != 0x5354) return false
  p = skipBlanks(p + 6, stop)
  if (!lost) {
    // DROPPED
    if (load<u32>(p) != 0x504f5244 || load<u32>(p, 3) != 0x44455050) return false
    p = skipBlanks(p + 7, stop)
  }
  if (p != stop - 1 || doubt) return false
  loss(row, d, e)
  put(row, HAS, load<u32>(row + HAS * 4) & ~<u32>(HAS_TS | HAS_TSC))
  return true
}

/** A row of type `lost`: its CPU, and KEY = how many, from the digits at `d` (none: not known). */
function loss(row: usize, d: usize, e: usize): i32 {
  put(row, TYPE, lostType)
  put(row, SRC, src)
  let has: u32 = seconds ? HAS_TS : HAS_TSC
  store<u64>(row + TIME * 4, time)
  if (cpu >= 0) {
    put(row, CPU, cpu)
    has |= HAS_CPU
  }
  if (e > d && e - d < 19) {
    let n: u64 = 0
    while (d < e) {
      n = n * 10 + (load<u8>(d) - 48)
      d++
    }
    store<u64>(row + KEY * 4, n)
    has |= HAS_KEY_INTEGER
  }
  put(row, HAS, has)
  return KIND_ROW
}

/**
 * `# …`, what trace-cmd says before the events (`cpus=2`, `version = 7`, `CPU 1 is empty`), and perf-prof around
 * them (`Connected to 127.0.0.1:9900`, `Disconnect from …`).
 */
function isHeader(p: usize, stop: usize): bool {
  if (load<u8>(p) == 35) return true
  p = skipBlanks(p, stop)
  if (p == stop) return true
  if (isPerf()) return stop - p >= 12 && load<u64>(p) == 0x4345525f46524550
  const eight = load<u64>(p)
  if (format == TEXT_PERF_PROF) return eight == 0x657463656e6e6f43 || eight == 0x656e6e6f63736944 // Connecte, Disconne
  if (<u32>eight == 0x73757063 && load<u8>(p, 4) == 61) return true // cpus=
  if (eight == 0x206e6f6973726576) return true // version_
  if (<u32>eight != 0x20555043) return false // CPU_
  p += 4
  while (isDigit(load<u8>(p))) p++
  return load<u64>(p) == 0x74706d6520736920 // _is empt
}

// --- stacks ---

const TIME_UNKNOWN: i32 = -1
/** How many lines `stack` took. */
let lines: i32 = 0

/** `=> name`, `=> name (address)`; for perf a blank, an address, a name. */
function isFrame(p: usize, stop: usize): bool {
  const from = p
  while (p < stop && (load<u8>(p) == 32 || load<u8>(p) == 9)) p++
  if (format != TEXT_PERF) return stop - p > 2 && load<u16>(p) == 0x3e3d && load<u8>(p, 2) == 32
  if (p == from) return false
  const hex = p
  while (p < stop && isHexDigit(load<u8>(p))) p++
  return p > hex && p - hex <= 16 && (p == stop || load<u8>(p) == 32)
}

// @ts-ignore: decorator
@inline
function isHexDigit(c: u8): bool {
  return isDigit(c) || <u8>(c - 97) < 6
}

/**
 * The frames from `from` on (`first`: the line that announced them, if any) go to the last event of that CPU.
 * Answers where they end; 0 where the end is not to be seen yet.
 */
function stack(first: usize, from: usize, end: usize, last: bool, ofCpu: i32): usize {
  const row = lastEvent(ofCpu)
  lines = first == from ? 0 : 1
  let p = from
  let open = true
  while (p < end) {
    const newline = lineEnd(p)
    const stop = load<u8>(newline - 1) == 13 ? newline - 1 : newline
    if (!isFrame(p, stop) || (format != TEXT_PERF && head(p, stop))) {
      if (!isUserStack(p, stop, ofCpu)) {
        open = false
        break
      }
    }
    lines++
    p = newline + 1
  }
  if (open && !last && p - first <= <usize>MAX_STACK) return 0
  if (row == 0 || load<u32>(row + TEXT * 4) != 0 || p - from > <usize>MAX_STACK) {
    count(COUNT_SKIPPED, lines)
    return p
  }
  count(COUNT_STACKS, 1)
  span(row, TEXT, from, p)
  return p
}

/** The line that announces the user's half of a stack, right after the kernel's: they are one. */
function isUserStack(p: usize, stop: usize, ofCpu: i32): bool {
  if (format == TEXT_PERF) return false
  p = head(p, stop)
  if (!p || cpu != ofCpu) return false
  p = skipBlanks(p, stop)
  if (load<u64>(p) == 0x6174735f72657375) {
    // user_sta(ck:)
    p += 8
    while (p < stop && load<u8>(p) != 60) p++
  }
  return stop - p >= 13 && load<u64>(p) == 0x747320726573753c // <user st
}

/** The row of the last event on a CPU, or 0 where it may be gone. */
function lastEvent(ofCpu: i32): usize {
  const slot = lastRows + (<usize>(ofCpu < 0 ? MAX_CPU : ofCpu) << 3)
  return load<u32>(slot, 4) >= kept && load<u32>(slot, 4) != 0 ? <usize>load<u32>(slot) : 0
}
