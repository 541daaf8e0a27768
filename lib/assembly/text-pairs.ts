/** The plain way to print fields, `name=value name=value`, as kprobes and most tracepoints do. */
import { isDigit } from './json'
import { MAX_NAMES } from './layout'
import { known } from './names'
import { copy } from './put'
import { backBlanks, copyText, sameText } from './text-bytes'
import { MAX_FIELDS, NAME_HEX, NAME_POINTER, TEXT_FTRACE } from './text-layout'
import { hexText, integerText, magnitude, negative, putInteger, putText, setExact, setInteger } from './text-value'

const nameBits: usize = memory.data(8193)

/** What is known of fields called so: NAME_* bits. */
export function setNameBits(name: u32, bits: u32): void {
  if (name <= <u32>MAX_NAMES) store<u8>(nameBits + name, <u8>bits)
}

// @ts-ignore: decorator
@inline
export function isNameByte(c: u8): bool {
  return isDigit(c) || <u8>((c | 32) - 97) < 26 || c == 95
}

/** The name that ends at the `=` at `q`: its first byte; 0 where there is none after a blank, or at `from` unless that is a value. */
// @ts-ignore: decorator
@inline
function nameBefore(from: usize, q: usize): usize {
  let w = q
  while (w > from && isNameByte(load<u8>(w - 1))) w--
  if (w == q || isDigit(load<u8>(w))) return 0
  // a value may be `a=b`
  return load<u8>(w - 1) == 32 || (w == from && load<u8>(w - 1) != 61) ? w : 0
}

/** Names of the pairs so far, to know one that comes twice. */
const seen: usize = memory.data(8 * 32)

/** `name=value name=value`; a value may hold blanks, it ends before the next ` name=`. */
export function putPairs(to: usize, p: usize, end: usize, format: i32): usize {
  const start = to
  setExact(true)
  if (p < end && load<u8>(p) == 40) {
    const after = putProbe(to, p, end, format)
    if (after) {
      to = after
      p = probeEnd
      setExact(false)
    }
  }
  if (p == end) return to
  let name = nextName(p, p, end)
  if (name != p) setExact(false)
  for (let n = 0; name != 0; n++) {
    const equals = nameEquals
    const value = equals + 1
    const next = nextName(value, load<u8>(value) == 34 ? quoteEnd(value, end) : value, end)
    to = putPair(to, to > start, name, equals, value, next ? next : end, next != 0)
    if (twice(name, equals - name, n)) setExact(false)
    name = next
  }
  return to
}

let nameEquals: usize = 0

/** The first `name=` whose equals sign, at `nameEquals`, is at `q` or later, and which begins at `from` or after a blank. */
function nextName(from: usize, q: usize, end: usize): usize {
  while (q < end) {
    const m = i8x16.bitmask(i8x16.eq(v128.load(q), i8x16.splat(61)))
    if (m == 0) {
      q += 16
      continue
    }
    q += ctz(m)
    if (q >= end) return 0
    const name = nameBefore(from, q)
    if (name) {
      nameEquals = q
      return name
    }
    q++
  }
  return 0
}

/** After the closing quote of the string at `q`, so that no name is looked for inside. */
function quoteEnd(q: usize, end: usize): usize {
  let e = q + 1
  while (e < end) {
    if (load<u8>(e) == 34 && (e + 1 == end || load<u8>(e, 1) == 32)) return e + 1
    e++
  }
  return q
}

function twice(name: usize, length: usize, n: i32): bool {
  for (let i = 0; i < min(n, MAX_FIELDS); i++) {
    if (load<u32>(seen + (i << 3), 4) == <u32>length && sameText(load<u32>(seen + (i << 3)), name, length)) return true
  }
  if (n >= MAX_FIELDS) return true
  store<u32>(seen + (n << 3), <u32>name)
  store<u32>(seen + (n << 3), <u32>length, 4)
  return false
}

function putPair(to: usize, comma: bool, name: usize, equals: usize, p: usize, end: usize, more: bool): usize {
  if (comma) store<u8>(to++, 44)
  store<u8>(to++, 34)
  to = copy(to, name, equals)
  store<u16>(to, 0x3a22)
  to += 2
  if (more) {
    const whole = end - 1
    end = whole
    while (end > p && load<u8>(end - 1) == 32) end--
    if (end != whole) setExact(false)
    if (end > p && load<u8>(end - 1) == 44) {
      end--
      setExact(false)
    } else if (end - p >= 4 && load<u32>(end - 4) == 0x3e3d3d20) {
      // _==>
      end = backBlanks(p, end - 4)
      setExact(false)
    }
  }
  if (end - p >= 2 && load<u8>(p) == 34 && load<u8>(end - 1) == 34) {
    setExact(false)
    return putText(to, p + 1, end - 1)
  }
  const id = known(name, <u32>(equals - name))
  return putValue(to, p, end, id ? load<u8>(nameBits + <usize>id) : 0)
}

/** An integer where it is one, wide ones as strings; else a string. */
export function putValue(to: usize, p: usize, end: usize, bits: u32): usize {
  if (end - p == 16 && (bits & NAME_POINTER || isPointer(p)) && hexText(p, end)) return putInteger(to, true)
  if (bits & NAME_HEX && hexText(p, end)) return putInteger(to, true)
  if (p < end && load<u8>(end - 1) == 41) {
    if (end - p == 5 && load<u32>(p) == 0x6c696e28) return putWhole(to, 0, false, NAME_POINTER) // (nil)
    const after = putTwice(to, p, end, bits)
    if (after) return after
  }
  if (end - p > 2 && load<u16>(p) == 0x7830) {
    if (!hexText(p, end)) return putText(to, p, end)
  } else if (!integerText(p, end)) return putText(to, p, end)
  return putInteger(to, bits != 0 || magnitude > (negative ? 0x80000000 : 0xffffffff))
}

/** A `%p` of 16 digits: what is hashed begins with 00000000, a kernel's address with ffff. */
function isPointer(p: usize): bool {
  return load<u64>(p) == 0x3030303030303030 || load<u32>(p) == 0x66666666
}

/**
 * The kernel's option `fields` prints values of any size twice: `0x65bb (26043)`, `'a' (97)`, `(0)`, and an address in
 * its code as `schedule+0x0/0x140 (-2126294304)`. What stands in parentheses is signed whatever the field is: a small
 * number below zero is taken as such, an address or a bit mask is not.
 */
function putTwice(to: usize, p: usize, end: usize, bits: u32): usize {
  let open = end - 1
  while (open > p && load<u8>(open) != 40) open--
  if (load<u8>(open) != 40 || !integerText(open + 1, end - 1)) return 0
  const below = negative
  const signed = magnitude
  const first = backBlanks(p, open)
  if (open > p && (first == open || first == p)) return 0
  if (first - p == 3 && load<u8>(p) == 39 && load<u8>(p, 2) == 39) return putWhole(to, signed, false, bits)
  if (first == p) return putWhole(to, signed, below, bits)
  if (load<u16>(p) != 0x7830) {
    if (!isAddress(p, first)) return 0
    setExact(false)
    return putText(to, p, first)
  }
  if (!hexText(p, first)) return 0
  const whole = magnitude
  const wide = first - p > 10
  const same = below ? (wide ? 0 - signed : (0 - signed) & (whole > 0xffff ? 0xffffffff : 0xffff)) : signed
  if (same != whole) return 0
  return below && signed <= MAX_SMALL ? putWhole(to, signed, true, bits) : putWhole(to, whole, false, bits)
}

/** An errno, a priority, a CPU that is none. */
const MAX_SMALL: u64 = 4095

function putWhole(to: usize, absolute: u64, below: bool, bits: u32): usize {
  setInteger(absolute, below)
  return putInteger(to, bits != 0 || absolute > (below ? 0x80000000 : 0xffffffff))
}

let probeEnd: usize = 0

/**
 * `(icmp_rcv+0x0/0x420)`, `(0x56077d037760)`, `(func <- return)`: how probes begin. The kernel's own text of a
 * return probe has the place it returns to first (print_kretprobe_event), its print format, which perf and
 * trace-cmd use, the function.
 */
function putProbe(to: usize, p: usize, end: usize, format: i32): usize {
  let close = p + 1
  while (close < end && load<u8>(close) != 41) close++
  if (close >= end || (close + 1 < end && load<u8>(close, 1) != 32)) return 0
  let arrow = p + 1
  while (arrow < close && load<u8>(arrow) != 32) arrow++
  if (!isAddress(p + 1, arrow)) return 0
  const told = addressAfter(arrow, close)
  probeEnd = close + 1
  while (probeEnd < end && load<u8>(probeEnd) == 32) probeEnd++
  if (told == close) {
    to = copyText(to, probeIp, 13)
    return putAddress(to, p + 1, arrow)
  }
  if (load<u32>(told) != 0x202d3c20 || told + 4 >= close) return 0 // " <- "
  const from = told + 4
  let e = from
  while (e < close && load<u8>(e) != 32) e++
  if (addressAfter(e, close) != close) return 0
  const kernel = format == TEXT_FTRACE
  to = copyText(to, probeFunc, 15)
  to = kernel ? putAddress(to, from, e) : putAddress(to, p + 1, arrow)
  store<u8>(to++, 44)
  to = copyText(to, probeReturn, 17)
  return kernel ? putAddress(to, p + 1, arrow) : putAddress(to, from, e)
}

/** After the ` <ffffffff81f4a350>` of the option sym-addr at `p`, if there is one. */
function addressAfter(p: usize, close: usize): usize {
  if (p + 3 >= close || load<u16>(p) != 0x3c20 || load<u8>(close - 1) != 62) return p
  let q = p + 2
  while (q < close && load<u8>(q) != 62) q++
  return hexText(p + 2, q) ? q + 1 : p
}

// "__probe_ip": "__probe_func": "__probe_ret_ip":
const probeIp: usize = memory.data<u8>([34, 95, 95, 112, 114, 111, 98, 101, 95, 105, 112, 34, 58, 0, 0, 0])
const probeFunc: usize = memory.data<u8>([34, 95, 95, 112, 114, 111, 98, 101, 95, 102, 117, 110, 99, 34, 58, 0])
const probeReturn: usize = memory.data<u8>([34, 95, 95, 112, 114, 111, 98, 101, 95, 114, 101, 116, 95, 105, 112, 34, 58, 0, 0, 0, 0, 0, 0, 0])

/** Hexadecimal, or `symbol+0x12/0x34`. */
function isAddress(p: usize, end: usize): bool {
  if (hexText(p, end)) return true
  while (p + 3 < end) {
    if (load<u8>(p) == 43 && load<u16>(p, 1) == 0x7830) return true
    p++
  }
  return false
}

export function putAddress(to: usize, p: usize, end: usize): usize {
  return hexText(p, end) ? putInteger(to, true) : putText(to, p, end)
}
