/** Stacks: lines after an event that belong to it. */
import { CPU, HAS, HAS_CPU, MAX_CPU, SRC, TEXT } from './layout'
import { newline } from './scan'
import { isHexDigit, skipBlanks, span } from './text-bytes'
import { cpu, format, src } from './text-found'
import { head } from './text-head'
import { MAX_STACK, TEXT_PERF } from './text-layout'

/** Per CPU (the last slot: any, for perf, whose stacks follow their event): its last row, and the scan that made it. */
const lastRows: usize = memory.data(8 * 65537)
let scans: u32 = 0
/** The last scan that made a row. */
let fruitful: u32 = 0
/** Rows of scans before this one may be gone. */
let kept: u32 = 0

/** A new input: no row of the one before is there any more. */
export function forgetRows(): void {
  fruitful = scans + 1
}

/** A new scan; `held`: the rows of the last scan that made any are still there. */
export function beginScan(held: bool): void {
  scans++
  kept = held ? fruitful : scans
}

/** The scan made rows, or none. */
export function endScan(made: i32): void {
  if (made > 0) fruitful = scans
}

/** An event: a stack may follow. */
export function remember(row: usize): void {
  const known = load<u32>(row + HAS * 4) & HAS_CPU
  const slot = lastRows + ((format == TEXT_PERF || !known ? MAX_CPU : load<u32>(row + CPU * 4)) << 3)
  store<u32>(slot, <u32>row)
  store<u32>(slot, scans, 4)
}

/** How many lines the last `stack` took, and whether they found their event. */
export let stackLines: i32 = 0
export let stackPlaced: bool = false

/** `=> name`, `=> name (address)`; for perf a blank, an address, a name. */
export function isFrame(p: usize, stop: usize): bool {
  const from = p
  while (p < stop && (load<u8>(p) == 32 || load<u8>(p) == 9)) p++
  if (format != TEXT_PERF) return stop - p > 2 && load<u16>(p) == 0x3e3d && load<u8>(p, 2) == 32
  if (p == from) return false
  const hex = p
  while (p < stop && isHexDigit(load<u8>(p))) p++
  return p > hex && p - hex <= 16 && (p == stop || load<u8>(p) == 32)
}

/**
 * The frames from `from` on (`first`: the line that announced them, if any) go to the last event of that CPU.
 * Answers where they end; 0 where the end is not to be seen yet.
 */
export function stack(first: usize, from: usize, end: usize, last: bool, ofCpu: i32): usize {
  const row = lastEvent(ofCpu)
  stackLines = from > newline(first) ? 1 : 0
  let p = from
  let open = true
  while (p < end) {
    const after = newline(p)
    const stop = load<u8>(after - 1) == 13 ? after - 1 : after
    if (!isFrame(p, stop) || (format != TEXT_PERF && head(p, stop))) {
      if (!isUserStack(p, stop, ofCpu)) {
        open = false
        break
      }
    }
    stackLines++
    p = after + 1
  }
  if (open && !last && p - first <= <usize>MAX_STACK) return 0
  if (row == 0 || load<u32>(row + TEXT * 4) != 0 || p - from > <usize>MAX_STACK) {
    stackPlaced = false
    return p
  }
  stackPlaced = true
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

/** The row of the last event on a CPU, or 0 where it may be gone, or is of another src than the line at hand. */
function lastEvent(ofCpu: i32): usize {
  const slot = lastRows + (<usize>(ofCpu < 0 ? MAX_CPU : ofCpu) << 3)
  if (load<u32>(slot, 4) < kept) return 0
  const row = <usize>load<u32>(slot)
  return load<u32>(row + SRC * 4) == <u32>src ? row : 0
}
