/**
 * The head of a line of trace text: who, where, when. Whoever asked finds the columns in text-found.ts.
 *
 * A comm may hold anything (`w [001] y`, `CPU:1 [LOST 9`), and so may an event's text. What cannot be
 * mistaken is the time: digits, a colon, a blank, with the right columns before it. So the head is read
 * backwards from the first such colon where everything fits.
 */
import { isDigit } from './json'
import { MAX_CPU, MAX_PID, REASON_CPU, REASON_PID, REASON_TIME } from './layout'
import { backBlanks, backDigits, backWord } from './text-bytes'
import { cpu, cpuBefore, forgetColumns, format, setComm, setCpu, setDoubt, setFlags, setPid, setPrefixSrc, smallNumber } from './text-found'
import { TEXT_FTRACE, TEXT_PERF, TEXT_PERF_PROF, TEXT_TRACE_CMD } from './text-layout'
import { perfColumns, perfProfColumns } from './text-perf-head'
import { afterLogTime, afterPrefix } from './text-prefix'

/** How far into a line its time is looked for: a comm of 64 bytes, a file's name and the columns. */
const HEAD: usize = 384

// what `head` found
export let time: u64 = 0
export let seconds: bool = false
/** Where the digits of a time in seconds are, those before and behind the point; 0: it is not written like that. */
export let digitsFrom: usize = 0
export let wholeDigits: u32 = 0
export let fractionDigits: u32 = 0
/** The columns are those of latency format, which cuts a comm to 8 characters. */
let narrow: bool = false

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
  if (!found) setDoubt(0)
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
  forgetColumns()
  narrow = false
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
  if (format == TEXT_PERF) return seconds && perfColumns(first, s, exact)
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
    setCpu(smallNumber(number, t, MAX_CPU, REASON_CPU))
    t++
  }
  const from = t
  while (t < e && isDigit(load<u8>(t))) t++
  if (t == from) return 0
  if (timeValue(from, e)) return s
  // latency: the CPU, five flags, the time
  if (cpu >= 0 || t - from > 5 || t + 5 >= e || !timeValue(t + 5, e)) return 0
  setCpu(smallNumber(from, t, MAX_CPU, REASON_CPU))
  narrow = true
  setFlags(t, t + 5)
  return s
}

function timeValue(p: usize, e: usize): bool {
  let n: u64 = 0
  const from = p
  while (p < e) {
    const digit = load<u8>(p) - 48
    if (digit > 9) break
    if (p - from >= 19 && (n > 1844674407370955161 || (n == 1844674407370955161 && digit > 5))) setDoubt(REASON_TIME)
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
  if (n > 18446744072) setDoubt(REASON_TIME)
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

/** `[001] d..2.`, `[001]`, or latency-format's `1d..2.`, ending at `k`: where it begins, or 0. */
function flagsAndCpu(first: usize, k: usize): usize {
  if (k == first) return 0
  const bare = cpuBefore(first, k)
  if (bare) return bare
  const f = backWord(first, k)
  const bracket = cpuBefore(first, backBlanks(first, f))
  if (bracket) {
    setFlags(f, k)
    return bracket
  }
  let d = f
  while (d < k && isDigit(load<u8>(d))) d++
  if (d == f || k - d < 4 || k - d > 8 || d - f > 5) return 0
  setCpu(smallNumber(f, d, MAX_CPU, REASON_CPU))
  narrow = true
  setFlags(d, k)
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
  setPid(smallNumber(d, k, MAX_PID, REASON_PID))
  const columns: usize = narrow ? 8 : 16
  if (format != TEXT_TRACE_CMD) {
    setComm(afterLogTime(first, d - 1, columns), d - 1)
    return true
  }
  setComm(afterPrefix(first, d - 1, columns), d - 1)
  setPrefixSrc()
  return true
}
