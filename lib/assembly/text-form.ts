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
import { decimal } from './put'
import { copyText, sameText, skipBlanks } from './text-bytes'
import { putCallArguments } from './text-call'
import { ownEnd } from './text-columns'
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
  TEMPLATE_BACKWARDS,
  TEMPLATE_FIELDS,
  TEMPLATE_NEXT,
  TEMPLATE_PLAIN,
  TEMPLATE_SUFFIX,
  TEMPLATE_TAIL,
  TEMPLATE_WORDS,
  TEXT_PERF,
} from './text-layout'
import { putPairs, putValue } from './text-pairs'
import { hexText, integerText, magnitude, negative, putInteger, putText, setExact, setInteger } from './text-value'

const forms: usize = memory.data(4 * 8193)

export function setForm(event: u32, form: usize): void {
  store<u32>(forms + (<usize>event << 2), <u32>form)
}

export function formOf(event: u32): usize {
  return load<u32>(forms + (<usize>event << 2))
}

// @ts-ignore: decorator
@inline
function word(at: usize, index: i32): u32 {
  return load<u32>(at + <usize>(index << 2))
}

/** Writes the members of `args` that the text from `p` to `end` gives; answers the address after. */
export function putFields(to: usize, form: usize, p: usize, end: usize, format: i32): usize {
  const whole = end
  while (end > p && load<u8>(end - 1) == 32) end--
  const from = p
  if (format == TEXT_PERF) {
    // after its flags: padding
    p = skipBlanks(p, end)
    if (p < end) end = ownEnd(p, end)
  }
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
  if (end != whole || p != from) setExact(false)
  return after
}

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
  setExact(word(template, TEMPLATE_PLAIN) != 0)
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
    const below = <i64>magnitude < 0
    setInteger(below ? 0 - magnitude : magnitude, below)
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
      setExact(false)
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
  setInteger((major << 20) | magnitude, false)
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
  setExact(false)
  store<u8>(to++, 93)
  return to
}
