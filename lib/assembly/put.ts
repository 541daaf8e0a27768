/** Writing: bytes, decimal integers and JSON strings into the memory. Each answers the address after. */
import { CLOSE, LINE, LINE_END, TIME, TIME_AFTER, TIME_AT } from './layout'

/**
 * Copies forward, 16 bytes at a time: up to 15 bytes after the end of the target are written too, and what is
 * put there next writes them again. (memory.copy is a call, dear for the short texts that lines are made of.)
 */
export function copy(to: usize, from: usize, end: usize): usize {
  const after = to + (end - from)
  if (end - from > 512) {
    memory.copy(to, from, end - from)
    return after
  }
  while (from < end) {
    v128.store(to, v128.load(from))
    from += 16
    to += 16
  }
  return after
}

// "00" "01" … "99", filled at start
const pairs: usize = memory.data(200)

export function prepare(): void {
  for (let i: usize = 0; i < 100; i++) {
    store<u8>(pairs + i * 2, <u8>(48 + i / 10))
    store<u8>(pairs + i * 2, <u8>(48 + (i % 10)), 1)
  }
}

const digits: usize = memory.data(32)

export function decimal(to: usize, n: u64): usize {
  let p = digits + 24
  while (n >= 100) {
    const q = n / 100
    p -= 2
    store<u16>(p, load<u16>(pairs + <usize>(n - q * 100) * 2))
    n = q
  }
  if (n >= 10) {
    p -= 2
    store<u16>(p, load<u16>(pairs + <usize>n * 2))
  } else {
    p--
    store<u8>(p, <u8>(48 + n))
  }
  return copy(to, p, digits + 24)
}

export function signedDecimal(to: usize, n: i64): usize {
  if (n >= 0) return decimal(to, n)
  store<u8>(to, 45)
  return decimal(to + 1, 0 - <u64>n)
}

/** The row's line with its time member replaced by `"ts":"…"` (signed) or, `cycles`, `"tsc":"…"` (unsigned), from TIME. */
export function putWithTime(to: usize, row: usize, cycles: bool): usize {
  // the time is that of a pair, in no member of its own
  if (load<u32>(row + TIME_AT * 4) == 0) return copy(to, load<u32>(row + LINE * 4), load<u32>(row + LINE_END * 4))
  to = copy(to, load<u32>(row + LINE * 4), load<u32>(row + TIME_AT * 4))
  const n = load<i64>(row + TIME * 4)
  if (cycles) {
    store<u64>(to, 0x223a226373742200 >> 8) // "tsc":"
    to = decimal(to + 7, n)
  } else {
    store<u64>(to, 0x22_3a_22_73_74_22) // "ts":"
    to = signedDecimal(to + 6, n)
  }
  store<u8>(to, 34)
  return copy(to + 1, load<u32>(row + TIME_AFTER * 4), load<u32>(row + LINE_END * 4))
}

/** The row's line with the `length` bytes at `text` (`,"name":value`) put in before its closing brace. */
export function putWithMember(to: usize, row: usize, text: usize, length: usize): usize {
  const close = load<u32>(row + CLOSE * 4)
  to = copy(to, load<u32>(row + LINE * 4), close)
  let before = close - 1
  while (load<u8>(before) <= 32) before--
  // an object that had no member
  const comma: u32 = load<u8>(before) == 123 ? 1 : 0
  to = copy(to, text + comma, text + length)
  return copy(to, close, load<u32>(row + LINE_END * 4))
}

// @ts-ignore: decorator
@inline
function hexDigit(n: u8): u8 {
  return n < 10 ? 48 + n : 87 + n
}

/** A JSON string, quotes included, of the UTF-8 bytes from `from` to `end`. */
export function putString(to: usize, from: usize, end: usize): usize {
  store<u8>(to++, 34)
  while (from < end) {
    const v = v128.load(from)
    const m = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(v, i8x16.splat(34)), i8x16.eq(v, i8x16.splat(92))), i8x16.lt_u(v, i8x16.splat(32))),
    )
    const left = end - from
    const plain = min<usize>(m == 0 ? 16 : ctz(m), left)
    v128.store(to, v)
    to += plain
    from += plain
    if (from >= end || plain == 16) continue
    const c = load<u8>(from++)
    store<u8>(to++, 92)
    if (c == 34 || c == 92) store<u8>(to++, c)
    else if (c == 10) store<u8>(to++, 110)
    else if (c == 9) store<u8>(to++, 116)
    else if (c == 13) store<u8>(to++, 114)
    else {
      store<u32>(to, 0x30303075) // u000
      store<u8>(to, 48 + (c >> 4), 3)
      store<u8>(to, hexDigit(c & 15), 4)
      to += 5
    }
  }
  store<u8>(to++, 34)
  return to
}
