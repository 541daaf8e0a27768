/** Lines that say events were lost: rows of type `lost`, with their CPU, and KEY = how many. */
import { isDigit } from './json'
import {
  CPU,
  HAS,
  HAS_CPU,
  HAS_KEY_INTEGER,
  KEY,
  LINE,
  LINE_END,
  MAX_CPU,
  OWN,
  REASON_CPU,
  SRC,
  TEXT_CONTROL,
  TYPE,
} from './layout'
import { backBlanks, put, skipBlanks } from './text-bytes'
import { cpu, doubt, format, mainSrc, setDoubt, smallNumber, src } from './text-found'
import { TEXT_FTRACE, TEXT_TRACE_CMD } from './text-layout'
import { prefixBefore, prefixSrc } from './text-prefix'

let lostType: i32 = 0

/** The interned name of the type. */
export function setLostType(id: i32): void {
  lostType = id
}

const cpuText: usize = memory.data<u8>([67, 80, 85, 58]) // CPU:

/** `CPU:0 [LOST 2329 EVENTS]`, `CPU:0 [LOST EVENTS]`, trace-cmd's `CPU:0 [120 EVENTS DROPPED]`, `[120 EVENTS DROPPED]`. */
export function lossLine(p: usize, stop: usize, row: usize): bool {
  p = skipBlanks(p, stop)
  stop = backBlanks(p, stop)
  setDoubt(0)
  let ofSrc = mainSrc
  if (format == TEXT_TRACE_CMD || format == TEXT_FTRACE) {
    const named = prefixBefore(p, stop, cpuText, 4, format == TEXT_FTRACE)
    if (named) p = named
    if (prefixSrc > 0) ofSrc = prefixSrc
  }
  let ofCpu = -1
  if (load<u32>(p) == 0x3a555043) {
    const d = p + 4
    p = d
    while (isDigit(load<u8>(p))) p++
    if (p == d) return false
    ofCpu = smallNumber(d, p, MAX_CPU, REASON_CPU)
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
  loss(row, ofSrc, ofCpu, d, e)
  return true
}

/** `# vmpipe ` … */
export function isComment(p: usize, stop: usize): bool {
  return stop - p > 9 && load<u64>(p) == 0x657069706d762023 && load<u8>(p, 8) == 32
}

/**
 * A comment of vmpipe's own: `# vmpipe lost count=12` is a loss, another one a row of TEXT_CONTROL that whoever reads
 * the text makes a record of.
 */
export function commentRow(p: usize, stop: usize, row: usize): void {
  put(row, LINE, p)
  put(row, LINE_END, stop)
  p += 9
  // lost, and a blank or nothing
  if (stop - p >= 4 && load<u32>(p) == 0x74736f6c && (p + 4 == stop || load<u8>(p, 4) == 32)) {
    p += 4
    // _count=
    while (p + 7 < stop && (load<u64>(p) & 0xffffffffffffff) != 0x3d746e756f6320) p++
    let e = p + 7
    while (e < stop && isDigit(load<u8>(e))) e++
    put(row, LINE, 0)
    loss(row, mainSrc, -1, min(p + 7, stop), min(e, stop))
    return
  }
  put(row, TYPE, lostType)
  put(row, OWN, TEXT_CONTROL)
}

/** `PERF_RECORD_LOST lost 120`, from after the name. */
export function perfLoss(p: usize, stop: usize, row: usize): void {
  while (p < stop && !isDigit(load<u8>(p))) p++
  let e = p
  while (e < stop && isDigit(load<u8>(e))) e++
  loss(row, src, cpu, p, e)
}

/** Fills the row; how many, from the digits at `d` (none: not known). */
function loss(row: usize, ofSrc: i32, ofCpu: i32, d: usize, e: usize): void {
  put(row, TYPE, lostType)
  put(row, SRC, ofSrc)
  let has: u32 = 0
  if (ofCpu >= 0) {
    put(row, CPU, ofCpu)
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
}
