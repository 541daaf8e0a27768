/** Lines that say events were lost: rows of type `lost`, with their CPU, and KEY = how many. */
import { isDigit } from './json'
import { CPU, HAS, HAS_CPU, HAS_KEY_INTEGER, KEY, MAX_CPU, REASON_CPU, SRC, TYPE } from './layout'
import { backBlanks, put, skipBlanks } from './text-bytes'
import { cpu, doubt, mainSrc, setDoubt, smallNumber, src } from './text-head'

let lostType: i32 = 0

/** The interned name of the type. */
export function setLostType(id: i32): void {
  lostType = id
}

/** `CPU:0 [LOST 2329 EVENTS]`, `CPU:0 [LOST EVENTS]`, trace-cmd's `CPU:0 [120 EVENTS DROPPED]`, `[120 EVENTS DROPPED]`. */
export function lossLine(p: usize, stop: usize, row: usize): bool {
  p = skipBlanks(p, stop)
  stop = backBlanks(p, stop)
  setDoubt(0)
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
  loss(row, mainSrc, ofCpu, d, e)
  return true
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
