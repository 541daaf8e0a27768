/** What was found in a line's columns: who, where, and whether that can be (text-head.ts, text-perf-head.ts). */
import { MAX_CPU, REASON_CPU, REASON_NAMES } from './layout'
import { backDigits } from './text-bytes'
import { prefixSrc } from './text-prefix'

/** The format that is read, its src, and the src of events that are marked as a guest's. */
export let format: i32 = 0
export let mainSrc: i32 = 0
export let guestSrc: i32 = 0
export let cpu: i32 = -1
export let pid: i32 = -1
export let src: i32 = 0
export let commFrom: usize = 0
export let commEnd: usize = 0
export let flagsFrom: usize = 0
export let flagsEnd: usize = 0
/** A number of a head that has the right form is too big: why. */
export let doubt: i32 = 0

export function setFormat(kind: i32, mine: i32, guest: i32): void {
  format = kind
  mainSrc = mine
  guestSrc = guest
}

/** Nothing is known yet. */
export function forgetColumns(): void {
  doubt = 0
  cpu = -1
  pid = -1
  src = mainSrc
  commFrom = 0
  flagsFrom = 0
  flagsEnd = 0
}

export function setDoubt(why: i32): void {
  doubt = why
}

export function setCpu(number: i32): void {
  cpu = number
}

export function setPid(number: i32): void {
  pid = number
}

export function setSrc(name: i32): void {
  src = name
}

/** What stands before the line says whose it is, where it says so; answers whether it does. */
export function setPrefixSrc(): bool {
  if (prefixSrc < 0) doubt = REASON_NAMES
  else if (prefixSrc > 0) src = prefixSrc
  return prefixSrc != 0
}

export function setFlags(from: usize, end: usize): void {
  flagsFrom = from
  flagsEnd = end
}

export function setComm(from: usize, end: usize): void {
  if (from > end) from = end
  // <...>: the kernel did not remember
  if (end - from == 5 && load<u32>(from) == 0x2e2e2e3c && load<u8>(from, 4) == 62) return
  commFrom = from
  commEnd = end
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
export function cpuBefore(first: usize, k: usize): usize {
  if (k <= first + 2 || load<u8>(k - 1) != 93) return 0
  const d = backDigits(first, k - 1)
  if (d == k - 1 || d == first || load<u8>(d - 1) != 91) return 0
  cpu = smallNumber(d, k - 1, MAX_CPU, REASON_CPU)
  return d - 1
}
