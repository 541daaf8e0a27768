/** The columns that perf script and perf-prof print before a line's time (tools/perf/builtin-script.c, perf_sample__fprintf_start). */
import { isDigit } from './json'
import { MAX_CPU, MAX_PID, REASON_CPU, REASON_PID } from './layout'
import { backBlanks, backDigits, backWord, digitsEnd, skipBlanks } from './text-bytes'
import { cpuBefore, guestSrc, setComm, setCpu, setFlags, setPid, setPrefixSrc, setSrc, smallNumber } from './text-found'
import { afterMachine, carried, prefixCpu } from './text-prefix'

/** `comm  pid/tid [cpu]`, any but the time may be missing; `exact`: the pid may not. */
export function perfColumns(first: usize, s: usize, exact: bool): bool {
  const whole = first
  first = afterMachine(first, s)
  let k = beforeWallTime(first, backBlanks(first, s))
  const bracket = cpuBefore(first, k) || cpuBeforeModes(first, k) || latencyCpu(first, k)
  if (bracket) k = backBlanks(first, bracket)
  if (first != whole) {
    // the CPU in brackets is the host's
    setCpu(prefixCpu)
    if (!setPrefixSrc() && !carried) setSrc(guestSrc)
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
    setPid(smallNumber(digits, k, MAX_PID, REASON_PID))
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
  setCpu(smallNumber(d, k, MAX_CPU, REASON_CPU))
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
export function perfProfColumns(first: usize, s: usize): bool {
  const bracket = cpuBefore(first, backBlanks(first, s))
  if (!bracket) return false
  let k = backBlanks(first, bracket)
  let w = backWord(first, k)
  if (backDigits(w, k) != w) {
    setFlags(w, k)
    k = backBlanks(first, w)
    w = backWord(first, k)
  }
  if (w == k || backDigits(w, k) != w) return false
  setPid(smallNumber(w, k, MAX_PID, REASON_PID))
  let from = first
  if (isDate(first) && load<u8>(first, 26) == 32 && first + 28 < w) {
    if (load<u8>(first, 27) == 71 && load<u8>(first, 28) == 32 && !carried) setSrc(guestSrc)
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
