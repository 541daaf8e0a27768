/**
 * The head of a line of trace text: who, where, when.
 *
 * A comm may hold anything (`w [001] y`, `CPU:1 [LOST 9`), and so may an event's text. What cannot be
 * mistaken is the time: digits, a colon, a blank, with the right columns before it. So the head is read
 * backwards from the first such colon where everything fits.
 */
import { isDigit } from './json'
import { MAX_CPU, MAX_PID, REASON_CPU, REASON_NAMES, REASON_PID, REASON_TIME } from './layout'
import { backBlanks, backDigits, backWord, digitsEnd, skipBlanks } from './text-bytes'
import { TEXT_FTRACE, TEXT_PERF, TEXT_PERF_PROF, TEXT_TRACE_CMD } from './text-layout'
import { afterLogTime, afterMachine, afterPrefix, carried, prefixCpu, prefixSrc } from './text-prefix'

/** How far into a line its time is looked for: a comm of 64 bytes, a file's name and the columns. */
const HEAD: usize = 384

/** The format that is read, its src, and the src of events that are marked as a guest's. */
export let format: i32 = 0
export let mainSrc: i32 = 0
let guestSrc: i32 = 0
// what `head` found
export let time: u64 = 0
export let seconds: bool = false
/** Where the digits of a time in seconds are, those before and behind the point; 0: it is not written like that. */
export let digitsFrom: usize = 0
export let wholeDigits: u32 = 0
export let fractionDigits: u32 = 0
export let cpu: i32 = -1
export let pid: i32 = -1
export let src: i32 = 0
export let commFrom: usize = 0
export let commEnd: usize = 0
export let flagsFrom: usize = 0
export let flagsEnd: usize = 0
/** The columns are those of latency format, which cuts a comm to 8 characters. */
let narrow: bool = false
/** A number of a head that has the right form is too big: why. */
export let doubt: i32 = 0

export function setDoubt(why: i32): void {
  doubt = why
}

export function setFormat(kind: i32, mine: i32, guest: i32): void {
  format = kind
  mainSrc = mine
  guestSrc = guest
}

/**
 * Reads the head of the line: after the colon of its time, or 0. Candidates are colons after a digit and before
 * a blank. For perf a head without a pid counts only where none with a pid is found.
 */
export function head(first: usize, stop: usize): usize {
  exact = true
  return candidates(first, first, stop)
}

/** A comm may look like a head. The next one after that which ends at `after` and turned out to be none, or 0. */
export function nextHead(first: usize, after: usize, stop: usize): usize {
  return candidates(after, first, stop)
}

/** Heads with a pid are looked for. */
let exact: bool = true

function candidates(p: usize, first: usize, stop: usize): usize {
  let found = candidate(p, first, stop)
  if (!found && exact && format == TEXT_PERF) {
    exact = false
    found = candidate(first, first, stop)
  }
  if (!found) doubt = 0
  return found
}

function candidate(p: usize, first: usize, stop: usize): usize {
  const limit = min(stop, first + HEAD)
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
      if (columns(first, colon)) return colon + 1
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

/** Everything before the colon of the time, backwards. */
function columns(first: usize, colon: usize): bool {
  doubt = 0
  narrow = false
  cpu = -1
  pid = -1
  src = mainSrc
  commFrom = 0
  flagsFrom = 0
  flagsEnd = 0
  digitsFrom = 0
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
  if (format == TEXT_PERF) return seconds && perfColumns(first, s)
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
  narrow = true
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
  digitsFrom = from
  wholeDigits = <u32>(p - from)
  fractionDigits = <u32>fraction
  time = n * 1000000000 + ns
  return true
}

export function smallNumber(p: usize, e: usize, limit: i64, why: i32): i32 {
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
  if (d == f || k - d < 4 || k - d > 8 || d - f > 5) return 0
  cpu = smallNumber(f, d, MAX_CPU, REASON_CPU)
  narrow = true
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
  pid = smallNumber(d, k, MAX_PID, REASON_PID)
  const columns: usize = narrow ? 8 : 16
  if (format != TEXT_TRACE_CMD) {
    setComm(afterLogTime(first, d - 1, columns), d - 1)
    return true
  }
  setComm(afterPrefix(first, d - 1, columns), d - 1)
  if (prefixSrc < 0) doubt = REASON_NAMES
  else if (prefixSrc > 0) src = prefixSrc
  return true
}

function setComm(from: usize, end: usize): void {
  if (from > end) from = end
  // <...>: the kernel did not remember
  if (end - from == 5 && load<u32>(from) == 0x2e2e2e3c && load<u8>(from, 4) == 62) return
  commFrom = from
  commEnd = end
}

/** `comm  pid/tid [cpu]`, any but the time may be missing. */
function perfColumns(first: usize, s: usize): bool {
  const whole = first
  first = afterMachine(first, s)
  let k = beforeWallTime(first, backBlanks(first, s))
  const bracket = cpuBefore(first, k) || cpuBeforeModes(first, k) || latencyCpu(first, k)
  if (bracket) k = backBlanks(first, bracket)
  if (first != whole) {
    // the CPU in brackets is the host's
    cpu = prefixCpu
    if (prefixSrc < 0) doubt = REASON_NAMES
    else if (prefixSrc > 0) src = prefixSrc
    else if (!carried) src = guestSrc
  }
  let d = backDigits(first, k)
  const digits = d
  if (d < k && d > first && load<u8>(d - 1) == 47) {
    const slash = d - 1
    d = backDigits(first, slash)
    if (d == slash) d = digits
  }
  let commTo = k
  if (digits < k && (d == first || load<u8>(d - 1) == 32)) {
    pid = smallNumber(digits, k, MAX_PID, REASON_PID)
    commTo = d
  } else if (digits < k && load<u8>(digits - 1) == 45 && (digits - 1 == first || load<u8>(digits - 2) <= 47)) {
    // -1: perf does not know
    commTo = digits - 1
    if (commTo > first && load<u8>(commTo - 1) == 47) commTo = backDigits(first, commTo - 1)
  } else if (exact) return false
  const from = skipBlanks(first, commTo)
  commTo = backBlanks(from, commTo)
  if (from >= commTo) return true
  if (!exact && !bracket && isFtrace(from, commTo)) return false
  // perf prints :PID for a comm that it does not know
  const number = backDigits(from, commTo)
  if (load<u8>(from) == 58 && (number == from + 1 || (number == from + 2 && load<u8>(from, 1) == 45))) return true
  setComm(from, commTo)
  return true
}

/** `[000] K     ` (`-F +misc`: in which mode the CPU was). */
function cpuBeforeModes(first: usize, k: usize): usize {
  const w = backWord(first, k)
  if (w == k || k - w > 5) return 0
  for (let p = w; p < k; p++) if (<u8>((load<u8>(p) | 32) - 97) > 25) return 0
  return cpuBefore(first, backBlanks(first, w))
}

/** `[000] d..2.`: the kernel's own line, no comm of perf's. */
function isFtrace(first: usize, k: usize): bool {
  const w = backWord(first, k)
  return k - w >= 4 && k - w <= 8 && cpuBefore(first, backBlanks(first, w)) != 0
}

/** perf script -L: a comm in 8 columns, the thread or `pid/tid`, the CPU in 3 that ends at `k`. Where it begins, or 0. */
function latencyCpu(first: usize, k: usize): usize {
  const d = backDigits(first, k)
  const end = k - max<usize>(k - d, 3) - 1
  if (d == k || end < first + 10 || load<u8>(first, 8) != 32 || load<u8>(end) != 32 || skipBlanks(end, k) != d) return 0
  const from = skipBlanks(first + 9, end)
  let e = digitsEnd(from, end)
  if (e == from || !isThreadColumn(e - first - 9, from > first + 9)) return 0
  if (load<u8>(e) == 47) {
    const thread = e + 1
    e = digitsEnd(thread, end)
    if (e == thread || !isThreadColumn(end - thread, e < end)) return 0
    e = skipBlanks(e, end)
  }
  if (e != end) return 0
  cpu = smallNumber(d, k, MAX_CPU, REASON_CPU)
  return d
}

/** The number of a thread has 5 columns (newer perfs: 7), or as many as it has digits. */
function isThreadColumn(width: usize, padded: bool): bool {
  return width == 5 || width == 7 || (!padded && width > 5)
}

/** `2026-11-23 09:18:26.896724` (`-F +tod`) that ends at `k`: where it begins, or `k`. */
function beforeWallTime(first: usize, k: usize): usize {
  if (k < first + 26 || !isDigit(load<u8>(k - 1))) return k
  const date = load<u8>(k - 7) == 46 ? k - 26 : k - 29
  return date >= first && isDate(date) ? backBlanks(first, date) : k
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
  pid = smallNumber(w, k, MAX_PID, REASON_PID)
  let from = first
  if (isDate(first) && load<u8>(first, 26) == 32 && first + 28 < w) {
    if (load<u8>(first, 27) == 71 && load<u8>(first, 28) == 32 && !carried) src = guestSrc
    from = first + 28
  }
  from = skipBlanks(from, w)
  setComm(from, backBlanks(from, w))
  return true
}

/** `2023-04-12 13:47:26.` */
function isDate(p: usize): bool {
  return (
    load<u8>(p, 4) == 45 &&
    load<u8>(p, 7) == 45 &&
    load<u8>(p, 10) == 32 &&
    load<u8>(p, 13) == 58 &&
    load<u8>(p, 16) == 58 &&
    load<u8>(p, 19) == 46
  )
}
