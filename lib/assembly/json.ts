/**
 * JSON text (RFC 8259) in bytes: where a value ends, what an integer or a string says.
 *
 * Every function takes an address inside a line that is closed by a newline, and relies on it: a newline
 * can stand in no token, so nothing reads on past the line. A failure sets `reason` and `at`, and answers 0.
 */
import {
  MAX_DEPTH,
  REASON_DEPTH,
  REASON_ESCAPE,
  REASON_NUMBER,
  REASON_STRING,
  REASON_SYNTAX,
  REASON_UTF8,
} from './layout'

export let reason: i32 = 0
export let at: usize = 0

export function fail(why: i32, where: usize): usize {
  reason = why
  at = where
  return 0
}

// @ts-ignore: decorator
@inline
export function isDigit(c: u8): bool {
  return <u8>(c - 48) < 10
}

// @ts-ignore: decorator
@inline
export function blank(p: usize): usize {
  while (load<u8>(p) <= 32) {
    const c = load<u8>(p)
    if (c != 32 && c != 9 && c != 13) return p
    p++
  }
  return p
}

// @ts-ignore: decorator
@inline
function isHex(c: u8): bool {
  return isDigit(c) || <u8>((c | 32) - 97) < 6
}

/** After the UTF-8 sequence at `p` (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). */
export function utf8(p: usize): usize {
  const a = load<u8>(p)
  const b = load<u8>(p, 1)
  if (a >= 0xc2 && a <= 0xdf) {
    if ((b & 0xc0) == 0x80) return p + 2
  } else if (a >= 0xe0 && a <= 0xef) {
    const low: u8 = a == 0xe0 ? 0xa0 : 0x80
    const high: u8 = a == 0xed ? 0x9f : 0xbf
    if (b >= low && b <= high && (load<u8>(p, 2) & 0xc0) == 0x80) return p + 3
  } else if (a >= 0xf0 && a <= 0xf4) {
    const low: u8 = a == 0xf0 ? 0x90 : 0x80
    const high: u8 = a == 0xf4 ? 0x8f : 0xbf
    if (b >= low && b <= high && (load<u8>(p, 2) & 0xc0) == 0x80 && (load<u8>(p, 3) & 0xc0) == 0x80) return p + 4
  }
  return fail(REASON_UTF8, p)
}

/** A string holds an escape: set by `string`, for who must decode. */
export let escaped: bool = false

/** After the closing quote of the string whose first byte (behind the quote) is at `p`. */
// @ts-ignore: decorator
@inline
export function string(p: usize): usize {
  escaped = false
  const v = v128.load(p)
  // signed: a control character and a byte of a multi-byte sequence are both below 32
  const m = i8x16.bitmask(
    v128.or(v128.or(i8x16.eq(v, i8x16.splat(34)), i8x16.eq(v, i8x16.splat(92))), i8x16.lt_s(v, i8x16.splat(32))),
  )
  if (m != 0) {
    const q = p + ctz(m)
    if (load<u8>(q) == 34) return q + 1
  }
  return longString(p)
}

function longString(p: usize): usize {
  while (true) {
    const v = v128.load(p)
    const m = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(v, i8x16.splat(34)), i8x16.eq(v, i8x16.splat(92))), i8x16.lt_s(v, i8x16.splat(32))),
    )
    if (m == 0) {
      p += 16
      continue
    }
    p += ctz(m)
    const c = load<u8>(p)
    if (c == 34) return p + 1
    if (c == 92) {
      escaped = true
      p = escape(p)
      if (!p) return 0
      continue
    }
    if (c < 32) return fail(REASON_STRING, p)
    p = utf8(p)
    if (!p) return 0
  }
}

function escape(p: usize): usize {
  const c = load<u8>(p, 1)
  if (c == 117) {
    for (let i: usize = 2; i < 6; i++) if (!isHex(load<u8>(p + i))) return fail(REASON_ESCAPE, p)
    return p + 6
  }
  // " \ / b f n r t
  if (c == 34 || c == 92 || c == 47 || c == 98 || c == 102 || c == 110 || c == 114 || c == 116) return p + 2
  return fail(REASON_ESCAPE, p)
}

/** After the number at `p`. */
export function number(p: usize): usize {
  const first = p
  if (load<u8>(p) == 45) p++
  const c = load<u8>(p)
  if (!isDigit(c)) return fail(REASON_NUMBER, first)
  p++
  if (c != 48) while (isDigit(load<u8>(p))) p++
  if (load<u8>(p) == 46) {
    p++
    if (!isDigit(load<u8>(p))) return fail(REASON_NUMBER, first)
    while (isDigit(load<u8>(p))) p++
  }
  if ((load<u8>(p) | 32) == 101) {
    p++
    const sign = load<u8>(p)
    if (sign == 43 || sign == 45) p++
    if (!isDigit(load<u8>(p))) return fail(REASON_NUMBER, first)
    while (isDigit(load<u8>(p))) p++
  }
  return p
}

function word(p: usize): usize {
  const four = load<u32>(p)
  if (four == 0x65757274) return p + 4 // true
  if (four == 0x6c6c756e) return p + 4 // null
  if (four == 0x736c6166 && load<u8>(p, 4) == 101) return p + 5 // false
  return fail(REASON_SYNTAX, p)
}

/** After the value at `p`. */
export function value(p: usize, depth: i32): usize {
  const c = load<u8>(p)
  if (c == 34) return string(p + 1)
  if (isDigit(c) || c == 45) return number(p)
  if (c == 123) return depth >= MAX_DEPTH ? fail(REASON_DEPTH, p) : object(p + 1, depth + 1)
  if (c == 91) return depth >= MAX_DEPTH ? fail(REASON_DEPTH, p) : array(p + 1, depth + 1)
  return word(p)
}

function object(p: usize, depth: i32): usize {
  p = blank(p)
  if (load<u8>(p) == 125) return p + 1
  while (true) {
    if (load<u8>(p) != 34) return fail(REASON_SYNTAX, p)
    p = string(p + 1)
    if (!p) return 0
    if (load<u8>(p) != 58) {
      p = blank(p)
      if (load<u8>(p) != 58) return fail(REASON_SYNTAX, p)
    }
    p = blank(p + 1)
    p = value(p, depth)
    if (!p) return 0
    p = blank(p)
    const c = load<u8>(p)
    p++
    if (c == 125) return p
    if (c != 44) return fail(REASON_SYNTAX, p - 1)
    p = blank(p)
  }
}

function array(p: usize, depth: i32): usize {
  p = blank(p)
  if (load<u8>(p) == 93) return p + 1
  while (true) {
    p = value(p, depth)
    if (!p) return 0
    p = blank(p)
    const c = load<u8>(p)
    p++
    if (c == 93) return p
    if (c != 44) return fail(REASON_SYNTAX, p - 1)
    p = blank(p)
  }
}

/** What `integer` read, and whether it is 2^63 or above (so only right as unsigned). */
export let integerValue: i64 = 0
export let integerUnsigned: bool = false

/** Reads the decimal integer that fills `p` to `end`; false when it is none or has more than 64 bits. */
export function integer(p: usize, end: usize): bool {
  integerUnsigned = false
  const negative = load<u8>(p) == 45
  if (negative) p++
  const digits = <i32>(end - p)
  if (digits <= 0 || digits > 20) return false
  if (load<u8>(p) == 48 && digits > 1) return false
  let n: u64 = 0
  if (digits < 20) {
    while (p < end) {
      const c = load<u8>(p)
      if (!isDigit(c)) return false
      n = n * 10 + (c - 48)
      p++
    }
  } else {
    while (p < end) {
      const c = load<u8>(p)
      if (!isDigit(c)) return false
      if (n > 1844674407370955161 || (n == 1844674407370955161 && c > 53)) return false
      n = n * 10 + (c - 48)
      p++
    }
  }
  if (negative) {
    if (n > 0x8000000000000000) return false
    integerValue = -(<i64>n)
    return true
  }
  integerUnsigned = n >= 0x8000000000000000
  integerValue = <i64>n
  return true
}

function hex4(p: usize): u32 {
  let n: u32 = 0
  for (let i: usize = 0; i < 4; i++) {
    const c = load<u8>(p + i)
    n = (n << 4) | (isDigit(c) ? c - 48 : (c | 32) - 87)
  }
  return n
}

/**
 * Writes what the string text from `p` to `end` (quotes not included) says to `to`; answers the end of it.
 * Never longer than the text. A lone surrogate is written as its own three bytes (WTF-8), so that two
 * different names stay different.
 */
export function unescape(p: usize, end: usize, to: usize): usize {
  while (p < end) {
    const c = load<u8>(p)
    if (c != 92) {
      store<u8>(to, c)
      to++
      p++
      continue
    }
    const e = load<u8>(p, 1)
    p += 2
    if (e != 117) {
      store<u8>(to, e == 98 ? 8 : e == 102 ? 12 : e == 110 ? 10 : e == 114 ? 13 : e == 116 ? 9 : e)
      to++
      continue
    }
    let u = hex4(p)
    p += 4
    if ((u & 0xfc00) == 0xd800 && p + 6 <= end && load<u16>(p) == 0x755c) {
      const low = hex4(p + 2)
      if ((low & 0xfc00) == 0xdc00) {
        u = 0x10000 + ((u & 0x3ff) << 10) + (low & 0x3ff)
        p += 6
      }
    }
    to = putCodePoint(to, u)
  }
  return to
}

function putCodePoint(to: usize, u: u32): usize {
  if (u < 0x80) {
    store<u8>(to, <u8>u)
    return to + 1
  }
  if (u < 0x800) {
    store<u8>(to, <u8>(0xc0 | (u >> 6)))
    store<u8>(to, <u8>(0x80 | (u & 63)), 1)
    return to + 2
  }
  if (u < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (u >> 12)))
    store<u8>(to, <u8>(0x80 | ((u >> 6) & 63)), 1)
    store<u8>(to, <u8>(0x80 | (u & 63)), 2)
    return to + 3
  }
  store<u8>(to, <u8>(0xf0 | (u >> 18)))
  store<u8>(to, <u8>(0x80 | ((u >> 12) & 63)), 1)
  store<u8>(to, <u8>(0x80 | ((u >> 6) & 63)), 2)
  store<u8>(to, <u8>(0x80 | (u & 63)), 3)
  return to + 4
}
