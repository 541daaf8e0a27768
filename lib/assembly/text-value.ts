/** Values of fields: integers as the wire format has them, and strings of bytes from anywhere. */
import { isDigit, utf8 } from './json'
import { decimal } from './put'

/** The fields say all that the text says: joined as `name=value` with blanks they are the text. */
export let exact: bool = false

export function setExact(whole: bool): void {
  exact = whole
}

/** The integer to write, where it was not read by the functions below. */
export function setInteger(absolute: u64, below: bool): void {
  magnitude = absolute
  negative = below
  exact = false
}

export let magnitude: u64 = 0
export let negative: bool = false
/** The integer is written as it would be written here. */
let canonical: bool = false

/** Reads a decimal integer of at most 64 bits, leading zeros allowed, that fills `p` to `end`. */
export function integerText(p: usize, end: usize): bool {
  negative = load<u8>(p) == 45
  if (negative) p++
  const digits = end - p
  if (p >= end || digits > 20) return false
  let n: u64 = 0
  canonical = digits == 1 || load<u8>(p) != 48
  while (p < end) {
    const digit = load<u8>(p) - 48
    if (digit > 9) return false
    if (n > 1844674407370955160 && (n > 1844674407370955161 || digit > 5)) return false
    n = n * 10 + digit
    p++
  }
  magnitude = n
  if (negative && n == 0) canonical = false
  return !negative || n <= 0x8000000000000000
}

/** Hexadecimal digits, with 0x or without. */
export function hexText(p: usize, end: usize): bool {
  negative = false
  canonical = false
  if (end - p > 2 && load<u16>(p) == 0x7830) p += 2
  if (p >= end || end - p > 16) return false
  let n: u64 = 0
  while (p < end) {
    const c = load<u8>(p)
    const digit: u8 = isDigit(c) ? c - 48 : <u8>((c | 32) - 97) < 6 ? (c | 32) - 87 : 16
    if (digit > 15) return false
    n = (n << 4) | digit
    p++
  }
  magnitude = n
  return true
}

/** The integer just read; as a string where the field is 8 bytes wide, or a reader of doubles would round it. */
export function putInteger(to: usize, quoted: bool): usize {
  if (!canonical) exact = false
  if (magnitude > 9007199254740991) quoted = true
  if (quoted) store<u8>(to++, 34)
  if (negative && magnitude != 0) store<u8>(to++, 45)
  to = decimal(to, magnitude)
  if (quoted) store<u8>(to++, 34)
  return to
}

/** A JSON string of bytes from anywhere: what is not UTF-8 becomes U+FFFD, byte by byte. */
export function putText(to: usize, from: usize, end: usize): usize {
  store<u8>(to++, 34)
  while (from < end) {
    const v = v128.load(from)
    // signed: a control character and a byte above 127 are both below 32
    const m = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(v, i8x16.splat(34)), i8x16.eq(v, i8x16.splat(92))), i8x16.lt_s(v, i8x16.splat(32))),
    )
    const plain = min<usize>(m == 0 ? 16 : ctz(m), end - from)
    v128.store(to, v)
    to += plain
    from += plain
    if (from >= end || plain == 16) continue
    const c = load<u8>(from)
    if (c >= 0x80) {
      const after = utf8(from)
      if (after && after <= end) {
        while (from < after) store<u8>(to++, load<u8>(from++))
      } else {
        store<u32>(to, 0xbdbfef)
        to += 3
        from++
      }
      continue
    }
    from++
    store<u8>(to++, 92)
    if (c == 34 || c == 92) store<u8>(to++, c)
    else if (c == 9) store<u8>(to++, 116)
    else {
      store<u32>(to, 0x30303075) // u000
      store<u8>(to, 48 + (c >> 4), 3)
      const low = c & 15
      store<u8>(to, low < 10 ? 48 + low : 87 + low, 4)
      to += 5
    }
  }
  store<u8>(to++, 34)
  return to
}
