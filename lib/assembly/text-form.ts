/**
 * The text of an event → its fields, as the members of `args`.
 *
 * What a kernel prints of an event is its TP_printk format filled in; each event has its own. A *form* says how
 * to read it back: a chain of templates (literal text and typed fields, laid out by lib/text/forms.ts as
 * text-layout.ts tells), tried in order, or the plain way `name=value name=value`. What no template matches is
 * read the plain way; what is not even that has no fields.
 *
 * Example: `vcpu {vcpu_id:d}, rip 0x{rip:X}` on `vcpu 1, rip 0xffffffff99617a0b` gives
 * `"vcpu_id":1,"rip":"18446744071987886603"`.
 */
import { isDigit, utf8 } from './json'
import { MAX_NAMES } from './layout'
import { known } from './names'
import { copy, decimal } from './put'
import {
  FIELD_BEFORE,
  FIELD_CHOICE,
  FIELD_CHOICES,
  FIELD_DECIMAL,
  FIELD_DECIMAL_64,
  FIELD_DEVICE,
  FIELD_HEX,
  FIELD_HEX_64,
  FIELD_HEX_LIST,
  FIELD_NAME,
  FIELD_POINTER,
  FIELD_SIGNED_HEX_64,
  FIELD_TYPE,
  FIELD_VALUE,
  FIELD_WORD,
  FIELD_WORDS,
  FORM_SYSCALL,
  FORM_TEMPLATE,
  MAX_FIELDS,
  NAME_64,
  NAME_POINTER,
  TEMPLATE_BACKWARDS,
  TEMPLATE_FIELDS,
  TEMPLATE_NEXT,
  TEMPLATE_PLAIN,
  TEMPLATE_SUFFIX,
  TEMPLATE_TAIL,
  TEMPLATE_WORDS,
  TEXT_FTRACE,
} from './text-layout'

const forms: usize = memory.data(4 * 8193)
const nameBits: usize = memory.data(8193)

export function setForm(event: u32, form: usize): void {
  store<u32>(forms + (<usize>event << 2), <u32>form)
}

export function formOf(event: u32): usize {
  return load<u32>(forms + (<usize>event << 2))
}

/** What is known of fields called so: NAME_* bits. */
export function setNameBits(name: u32, bits: u32): void {
  if (name <= <u32>MAX_NAMES) store<u8>(nameBits + name, <u8>bits)
}

/** The fields say all that the text says: joined as `name=value` with blanks they are the text. */
export let exact: bool = false

// @ts-ignore: decorator
@inline
function word(at: usize, index: i32): u32 {
  return load<u32>(at + <usize>(index << 2))
}

/** Writes the members of `args` that the text from `p` to `end` gives; answers the address after. */
export function putFields(to: usize, form: usize, p: usize, end: usize, format: i32): usize {
  const whole = end
  while (end > p && load<u8>(end - 1) == 32) end--
  const kind = word(form, 0)
  let after: usize = 0
  if (kind == FORM_TEMPLATE) {
    let template = form
    while (template != 0 && after == 0) {
      after = putTemplate(to, template, p, end)
      template = word(template, TEMPLATE_NEXT)
    }
  } else if (kind == FORM_SYSCALL) after = putCallArguments(to, p, end)
  if (after == 0) after = putPairs(to, p, end, format)
  if (end != whole) exact = false
  return after
}

// --- templates ---

/** Where each field of the template at hand begins and ends. */
const spans: usize = memory.data(8 * 32)

function putTemplate(to: usize, template: usize, p: usize, end: usize): usize {
  const fields = <i32>word(template, TEMPLATE_FIELDS)
  const tailLength = <usize>word(template, TEMPLATE_TAIL + 1)
  if (end - p < tailLength) return 0
  const tail = end - tailLength
  if (!sameText(tail, word(template, TEMPLATE_TAIL), tailLength)) return 0
  const matched = word(template, TEMPLATE_BACKWARDS)
    ? matchBackwards(template, fields, p, tail)
    : matchForwards(template, fields, p, tail)
  if (!matched) return 0
  exact = word(template, TEMPLATE_PLAIN) != 0
  const start = to
  for (let i = 0; i < fields; i++) {
    const field = fieldAt(template, i)
    if (word(field, FIELD_NAME + 1) == 0) continue
    if (to > start) store<u8>(to++, 44)
    to = copyText(to, word(field, FIELD_NAME), word(field, FIELD_NAME + 1))
    to = putField(to, word(field, FIELD_TYPE), word(field, FIELD_CHOICES), load<u32>(spans + (i << 3)), load<u32>(spans + (i << 3), 4))
    if (!to) return 0
  }
  return copyText(to, word(template, TEMPLATE_SUFFIX), word(template, TEMPLATE_SUFFIX + 1))
}

// @ts-ignore: decorator
@inline
function fieldAt(template: usize, i: i32): usize {
  return template + <usize>((TEMPLATE_WORDS + i * FIELD_WORDS) << 2)
}

// @ts-ignore: decorator
@inline
function setSpan(i: i32, from: usize, end: usize): void {
  store<u32>(spans + (i << 3), <u32>from)
  store<u32>(spans + (i << 3), <u32>end, 4)
}

// @ts-ignore: decorator
@inline
function sameText(p: usize, text: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(p + i) != load<u8>(text + i)) return false
  return true
}

// @ts-ignore: decorator
@inline
function copyText(to: usize, text: usize, length: usize): usize {
  for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(text + i))
  return to + length
}

/** Each field ends where the text before the next one first comes. */
function matchForwards(template: usize, fields: i32, p: usize, end: usize): bool {
  for (let i = 0; i < fields; i++) {
    const field = fieldAt(template, i)
    const before = <usize>word(field, FIELD_BEFORE + 1)
    if (end - p < before || !sameText(p, word(field, FIELD_BEFORE), before)) return false
    p += before
    let e = end
    if (i + 1 < fields) {
      const next = field + FIELD_WORDS * 4
      e = first(p, end, word(next, FIELD_BEFORE), word(next, FIELD_BEFORE + 1))
      if (!e) return false
    }
    setSpan(i, p, e)
    p = e
  }
  return fields > 0 || p == end
}

/** Each field begins after where the text before it last comes: right where a comm may hold anything. */
function matchBackwards(template: usize, fields: i32, from: usize, end: usize): bool {
  for (let i = fields - 1; i >= 0; i--) {
    const field = fieldAt(template, i)
    const text = <usize>word(field, FIELD_BEFORE)
    const length = <usize>word(field, FIELD_BEFORE + 1)
    let p = from
    if (i > 0) {
      p = last(from, end, text, length)
      if (!p) return false
    } else if (end - from < length || !sameText(from, text, length)) return false
    setSpan(i, p + length, end)
    end = p
  }
  return true
}

function first(p: usize, end: usize, text: usize, length: usize): usize {
  const c = load<u8>(text)
  while (p + length <= end) {
    if (load<u8>(p) == c && sameText(p, text, length)) return p
    p++
  }
  return 0
}

function last(from: usize, end: usize, text: usize, length: usize): usize {
  if (end - from < length) return 0
  const c = load<u8>(text)
  let p = end - length
  while (true) {
    if (load<u8>(p) == c && sameText(p, text, length)) return p
    if (p == from) return 0
    p--
  }
}

/** The value of a field, or 0 where the text from `p` to `end` is none of its type. */
function putField(to: usize, type: u32, choices: usize, p: usize, end: usize): usize {
  if (type == FIELD_DECIMAL) return integerText(p, end) ? putInteger(to, false) : 0
  if (type == FIELD_HEX) return hexText(p, end) ? putInteger(to, false) : 0
  if (type == FIELD_DECIMAL_64) return integerText(p, end) ? putInteger(to, true) : 0
  if (type == FIELD_HEX_64) return hexText(p, end) ? putInteger(to, true) : 0
  if (type == FIELD_SIGNED_HEX_64) {
    if (!hexText(p, end)) return integerText(p, end) ? putInteger(to, true) : 0
    negative = <i64>magnitude < 0
    if (negative) magnitude = 0 - magnitude
    return putInteger(to, true)
  }
  if (type == FIELD_POINTER) return hexText(p, end) ? putInteger(to, true) : putText(to, p, end)
  if (type == FIELD_VALUE) return putValue(to, p, end, 0)
  if (type == FIELD_CHOICE) return putChoice(to, choices, p, end)
  if (type == FIELD_DEVICE) return putDevice(to, p, end)
  if (type == FIELD_HEX_LIST) return putHexList(to, p, end)
  if (type == FIELD_WORD && !isWord(p, end)) return 0
  return putText(to, p, end)
}

function isWord(p: usize, end: usize): bool {
  if (p == end) return false
  while (p < end) if (load<u8>(p++) <= 32) return false
  return true
}

/** The number of the choice that the text is. */
function putChoice(to: usize, choices: usize, p: usize, end: usize): usize {
  const n = load<u32>(choices)
  for (let i: u32 = 0; i < n; i++) {
    const choice = choices + 4 + (i << 3)
    const length = <usize>load<u32>(choice, 4)
    if (length == end - p && sameText(p, load<u32>(choice), length)) {
      exact = false
      return decimal(to, i)
    }
  }
  return 0
}

/** `254,0` → the kernel's dev_t, MAJOR << 20 | MINOR (include/linux/kdev_t.h). */
function putDevice(to: usize, p: usize, end: usize): usize {
  let comma = p
  while (comma < end && load<u8>(comma) != 44) comma++
  if (!integerText(p, comma) || negative) return 0
  const major = magnitude
  if (!integerText(comma + 1, end) || negative) return 0
  magnitude |= major << 20
  exact = false
  return putInteger(to, false)
}

/** `3, 7ffe493de170, 310` → an array of decimal strings. */
function putHexList(to: usize, p: usize, end: usize): usize {
  store<u8>(to++, 91)
  const start = to
  while (p < end) {
    let e = p
    while (e < end && load<u8>(e) != 44) e++
    if (!hexText(p, e)) return 0
    if (to > start) store<u8>(to++, 44)
    to = putInteger(to, true)
    p = e + 1
    while (p < end && load<u8>(p) == 32) p++
  }
  exact = false
  store<u8>(to++, 93)
  return to
}

// --- name=value ---

// @ts-ignore: decorator
@inline
function isNameByte(c: u8): bool {
  return isDigit(c) || <u8>((c | 32) - 97) < 26 || c == 95
}

/** The name that ends at the `=` at `q`: its first byte; 0 where there is none after a blank or at `from`. */
// @ts-ignore: decorator
@inline
function nameBefore(from: usize, q: usize): usize {
  let w = q
  while (w > from && isNameByte(load<u8>(w - 1))) w--
  if (w == q || isDigit(load<u8>(w))) return 0
  return w == from || load<u8>(w - 1) == 32 ? w : 0
}

/** Names of the pairs so far, to know one that comes twice. */
const seen: usize = memory.data(8 * 32)

/** `name=value name=value`; a value may hold blanks, it ends before the next ` name=`. */
function putPairs(to: usize, p: usize, end: usize, format: i32): usize {
  const start = to
  exact = true
  if (p < end && load<u8>(p) == 40) {
    const after = putProbe(to, p, end, format)
    if (after) {
      to = after
      p = probeEnd
      exact = false
    }
  }
  if (p == end) return to
  let name = nextName(p, p, end)
  if (name != p) exact = false
  for (let n = 0; name != 0; n++) {
    const equals = nameEquals
    const value = equals + 1
    const next = nextName(value, load<u8>(value) == 34 ? quoteEnd(value, end) : value, end)
    to = putPair(to, to > start, name, equals, value, next ? next : end, next != 0)
    if (twice(name, equals - name, n)) exact = false
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
    if (end != whole) exact = false
    if (end > p && load<u8>(end - 1) == 44) {
      end--
      exact = false
    }
  }
  if (end - p >= 2 && load<u8>(p) == 34 && load<u8>(end - 1) == 34) {
    exact = false
    return putText(to, p + 1, end - 1)
  }
  const id = known(name, <u32>(equals - name))
  return putValue(to, p, end, id ? load<u8>(nameBits + <usize>id) : 0)
}

/** An integer where it is one, wide ones as strings; else a string. */
function putValue(to: usize, p: usize, end: usize, bits: u32): usize {
  if (bits & NAME_POINTER && end - p == 16 && hexText(p, end)) return putInteger(to, true)
  if (end - p > 2 && load<u16>(p) == 0x7830) {
    if (!hexText(p, end)) return putText(to, p, end)
  } else if (!integerText(p, end)) return putText(to, p, end)
  return putInteger(to, bits != 0 || magnitude > (negative ? 0x80000000 : 0xffffffff))
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
  probeEnd = close + 1
  while (probeEnd < end && load<u8>(probeEnd) == 32) probeEnd++
  if (arrow == close) {
    to = copyText(to, probeIp, 13)
    return putAddress(to, p + 1, close)
  }
  if (load<u32>(arrow) != 0x202d3c20 || arrow + 4 >= close) return 0 // " <- "
  const kernel = format == TEXT_FTRACE
  to = copyText(to, probeFunc, 15)
  to = kernel ? putAddress(to, arrow + 4, close) : putAddress(to, p + 1, arrow)
  store<u8>(to++, 44)
  to = copyText(to, probeReturn, 17)
  return kernel ? putAddress(to, p + 1, arrow) : putAddress(to, arrow + 4, close)
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

function putAddress(to: usize, p: usize, end: usize): usize {
  return hexText(p, end) ? putInteger(to, true) : putText(to, p, end)
}

// --- system calls ---

/** `fd: 3, buf: 7ffe493de170, count: 310`: every argument is a long, printed in hexadecimal. */
function putCallArguments(to: usize, p: usize, end: usize): usize {
  exact = p == end
  const start = to
  while (p < end) {
    let colon = p
    while (colon < end && isNameByte(load<u8>(colon))) colon++
    if (colon == p || colon + 1 >= end || load<u16>(colon) != 0x203a) return 0
    const value = colon + 2
    let e = value
    while (e < end && !isNextArgument(e, end)) e++
    if (to > start) store<u8>(to++, 44)
    store<u8>(to++, 34)
    to = copy(to, p, colon)
    store<u16>(to, 0x3a22)
    to = putAddress(to + 2, value, e)
    p = e + 2
  }
  return to
}

/** `, name: ` */
function isNextArgument(p: usize, end: usize): bool {
  if (load<u16>(p) != 0x202c) return false
  const from = p + 2
  p = from
  while (p < end && isNameByte(load<u8>(p))) p++
  return p > from && p < end && load<u8>(p) == 58
}

// --- values ---

let magnitude: u64 = 0
let negative: bool = false
/** The integer is written as it would be written here. */
let canonical: bool = false

/** Reads a decimal integer of at most 64 bits, leading zeros allowed, that fills `p` to `end`. */
function integerText(p: usize, end: usize): bool {
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
function hexText(p: usize, end: usize): bool {
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
function putInteger(to: usize, quoted: bool): usize {
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
