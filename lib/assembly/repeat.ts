/**
 * Repeated lines: a line that is one of the last few again, save for the digits of its time.
 *
 * A thread that polls prints the same line a hundred thousand times a second. Such a line needs no reading: it is
 * compared, 16 bytes at a time, with a copy in which the digits of the time are masked out; its row is that of the
 * copy, with another time, and with addresses that lie as much further as the line does. Whatever the full reading
 * would find depends on bytes that are the same, so both find the same.
 *
 * A cache holds ENTRIES lines. After MISSES lines in a row that were none of them it rests for RESTS lines: a
 * stream that never repeats pays for one line in thirty.
 */
import { DELTA, ROW_WORDS, TIME } from './layout'

const ENTRIES: u32 = 4
const MISSES: u32 = 32
const RESTS: u32 = 1024
/** Longer lines are read in full. */
const LONGEST: usize = 512
const ROW_BYTES: usize = ROW_WORDS * 4

// a cache: which entry was the last, the next tag, misses in a row, lines to rest; then its entries
const LAST: usize = 0
const TAG: usize = 4
const MISSED: usize = 8
const RESTING: usize = 12
const FIRST_ENTRY: usize = 16

// an entry: length (0: none), its line's address, time: offset, digits, digits after the point; who came next; 10^k
const LENGTH: usize = 0
const BASE: usize = 4
const TIME_FROM: usize = 8
const WHOLE: usize = 12
const FRACTION: usize = 16
const NEXT: usize = 20
const SCALE: usize = 24
/** The row, and all ones in the words that are addresses. */
const ROW: usize = 32
const ADDRESSES: usize = ROW + ROW_BYTES
const COPY: usize = ADDRESSES + ROW_BYTES
const MASK: usize = COPY + LONGEST + 16
const ENTRY_BYTES: usize = MASK + LONGEST + 16

const CACHE_BYTES: usize = FIRST_ENTRY + 4 * ENTRY_BYTES

/** One cache for lines of the wire format, one for lines of text. */
export const jsonLines: usize = memory.data(16 + 4 * (32 + 2 * 128 + 2 * (512 + 16)), 16)
export const textLines: usize = memory.data(16 + 4 * (32 + 2 * 128 + 2 * (512 + 16)), 16)

export function forget(cache: usize): void {
  // tags go on, so that what was made for an old one is not taken for a new one's
  const tag = load<u32>(cache + TAG)
  memory.fill(cache, 0, CACHE_BYTES)
  store<u32>(cache + TAG, tag)
}

// @ts-ignore: decorator
@inline
function entryAt(cache: usize, index: u32): usize {
  return cache + FIRST_ENTRY + <usize>index * ENTRY_BYTES
}

/** Fills the row of the line at `first`, which ends before `end`, if it is a repeated one: the address of its newline, or 0. */
export function repeated(cache: usize, first: usize, end: usize, row: usize): usize {
  const resting = load<u32>(cache + RESTING)
  if (resting > 0) {
    store<u32>(cache + RESTING, resting - 1)
    return 0
  }
  const last = load<u32>(cache + LAST)
  const likely = load<u32>(entryAt(cache, last) + NEXT)
  if (take(cache, likely, first, end, row)) return first + load<u32>(entryAt(cache, likely) + LENGTH)
  for (let i: u32 = 0; i < ENTRIES; i++) {
    if (i == likely || !take(cache, i, first, end, row)) continue
    store<u32>(entryAt(cache, last) + NEXT, i)
    return first + load<u32>(entryAt(cache, i) + LENGTH)
  }
  const missed = load<u32>(cache + MISSED) + 1
  store<u32>(cache + MISSED, missed)
  if (missed >= MISSES) {
    store<u32>(cache + MISSED, 0)
    store<u32>(cache + RESTING, RESTS)
  }
  return 0
}

// @ts-ignore: decorator
@inline
function take(cache: usize, index: u32, first: usize, end: usize, row: usize): bool {
  const entry = entryAt(cache, index)
  const length = load<u32>(entry + LENGTH)
  if (length == 0 || first + length >= end) return false
  for (let i: usize = 0; i <= length; i += 16) {
    const other = v128.xor(v128.load(first + i), v128.load(entry + COPY + i))
    if (v128.any_true(v128.and(other, v128.load(entry + MASK + i)))) return false
  }
  if (!readTime(entry, first + load<u32>(entry + TIME_FROM))) return false
  const further = i32x4.splat(<i32>(first - load<u32>(entry + BASE)))
  for (let i: usize = 0; i < ROW_BYTES; i += 16)
    v128.store(
      row + i,
      i32x4.add(v128.load(entry + ROW + i), v128.and(further, v128.load(entry + ADDRESSES + i))),
    )
  store<u64>(row + TIME * 4, time)
  store<u32>(cache + LAST, index)
  store<u32>(cache + MISSED, 0)
  return true
}

let time: u64 = 0

// @ts-ignore: decorator
@inline
function readTime(entry: usize, p: usize): bool {
  const whole = load<u32>(entry + WHOLE)
  const fraction = load<u32>(entry + FRACTION)
  // JSON's integers have no zero before them
  if (fraction == 0 && load<u8>(p) == 48 && whole > 1) return false
  sound = true
  time = number(p, whole)
  if (fraction > 0) time = time * 1000000000 + number(p + whole + 1, fraction) * load<u64>(entry + SCALE)
  return sound
}

/** All characters that `number` read since were digits. */
let sound: bool = true

/** The number of `n` digits at `p`, 1 to 18. */
// @ts-ignore: decorator
@inline
function number(p: usize, n: u32): u64 {
  let value: u64 = 0
  while (n > 8) {
    const chunk = ((n - 1) & 7) + 1
    value = value * power(chunk) + eight(p, chunk)
    p += chunk
    n -= chunk
  }
  return value * power(n) + eight(p, n)
}

const powers: usize = memory.data<u64>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000])

// @ts-ignore: decorator
@inline
function power(n: u32): u64 {
  return load<u64>(powers + (<usize>n << 3))
}

const ZEROS: u64 = 0x3030303030303030

/** Up to eight digits, two, four and eight of them at a time; the first one is in the lowest byte. */
// @ts-ignore: decorator
@inline
function eight(p: usize, n: u32): u64 {
  const missing: u64 = (8 - <u64>n) << 3
  let v = load<u64>(p)
  if (missing > 0) v = (v << missing) | (ZEROS >>> (64 - missing))
  const digits = v - ZEROS
  if ((((v + 0x4646464646464646) | digits) & 0x8080808080808080) != 0) sound = false
  v = digits * 10 + (digits >>> 8)
  return ((v & 0x000000ff000000ff) * 0x000f424000000064 + ((v >>> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>> 32
}

/**
 * A line that was read in full and may come again: from `first` to its newline, its time at `from`: `whole` digits
 * and, where there is a point, `fraction` more. `addresses` has a bit for each word of the row that may be an
 * address. With `tagged` the row gets a tag in its DELTA, the same for each repetition.
 */
export function offer(cache: usize, first: usize, end: usize, from: usize, whole: u32, fraction: u32, row: usize, addresses: u32, tagged: bool): void {
  const length = end - first
  if (load<u32>(cache + RESTING) > 0 || length >= LONGEST || whole == 0 || whole + fraction > 18) return
  const tag = load<u32>(cache + TAG) + 1
  store<u32>(cache + TAG, tag)
  const index = tag & (ENTRIES - 1)
  const entry = entryAt(cache, index)
  if (tagged) store<u32>(row + DELTA * 4, tag)
  store<u32>(entry + LENGTH, <u32>length)
  store<u32>(entry + BASE, <u32>first)
  store<u32>(entry + TIME_FROM, <u32>(from - first))
  store<u32>(entry + WHOLE, whole)
  store<u32>(entry + FRACTION, fraction)
  store<u64>(entry + SCALE, fraction > 0 ? power(9 - fraction) : 1)
  memory.copy(entry + ROW, row, ROW_BYTES)
  for (let i: i32 = 0; i < ROW_WORDS; i++) {
    const at = <usize>(i << 2)
    const isAddress = ((addresses >>> <u32>i) & 1) != 0 && load<u32>(row + at) != 0
    store<u32>(entry + ADDRESSES + at, isAddress ? 0xffffffff : 0)
  }
  memory.copy(entry + COPY, first, length + 1)
  memory.fill(entry + MASK, 0xff, length + 1)
  memory.fill(entry + MASK + length + 1, 0, 16)
  memory.fill(entry + MASK + (from - first), 0, whole)
  if (fraction > 0) memory.fill(entry + MASK + (from - first) + whole + 1, 0, fraction)
  store<u32>(entryAt(cache, load<u32>(cache + LAST)) + NEXT, index)
  store<u32>(cache + LAST, index)
}

/** The bits of words, for `offer`. */
// @ts-ignore: decorator
@inline
export function bit(word: i32): u32 {
  return 1 << <u32>word
}
