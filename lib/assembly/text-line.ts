/** The JSON line of an event that `scanText` found, from its row. */
import {
  ARGS,
  COMM,
  CPU,
  DELTA,
  EVENT,
  FLAGS,
  HAS,
  HAS_CPU,
  HAS_PID,
  HAS_TSC,
  OWN,
  PID,
  SRC,
  TEXT,
  TIME,
} from './layout'
import { nameAddress, nameLength } from './names'
import { copy, decimal, signedDecimal } from './put'
import { formOf, putFields } from './text-form'
import { TEXT_PERF } from './text-layout'
import { exact, putText } from './text-value'

// @ts-ignore: decorator
@inline
function word(row: usize, at: i32): u32 {
  return load<u32>(row + <usize>(at << 2))
}

const cpuText: u64 = 0x3a22757063222c // ,"cpu":
const pidText: u64 = 0x3a22646970222c // ,"pid":
const srcText: u64 = 0x3a22637273222c // ,"src":
const commText: u64 = 0x3a226d6d6f63222c // ,"comm":
const textText: u64 = 0x3a2274786574222c // ,"text":
const argsText: u64 = 0x3a2273677261222c // ,"args":
const flagsText: u64 = 0x227367616c66222c // ,"flags"
const eventText: u64 = 0x22746e657665222c // ,"event"
const stackText: u64 = 0x226b63617473222c // ,"stack"

/** For the last four tags: the tag, how many bytes, the bytes behind the time. */
const TAIL: usize = 8 + 1024 + 16
const tails: usize = memory.data(4 * (8 + 1024 + 16))

/** Writes the line at `to`; answers the address after it, or 0 while the event has no form. */
export function putTextLine(row: usize, to: usize): usize {
  const event = word(row, EVENT)
  const form = formOf(event)
  if (!form) return 0
  const has = word(row, HAS)
  if (has & HAS_TSC) {
    store<u64>(to, 0x3a22637374227b) // {"tsc":
    to += 7
    store<u8>(to++, 34)
    to = decimal(to, load<u64>(row + TIME * 4))
  } else {
    store<u64>(to, 0x223a227374227b) // {"ts":"
    to = signedDecimal(to + 7, load<i64>(row + TIME * 4))
  }
  // a repeated line (repeat.ts) has the same behind its time
  const tag = word(row, TEXT) == 0 ? word(row, DELTA) : 0
  const known = tails + <usize>(tag & 3) * TAIL
  if (tag != 0 && load<u32>(known) == tag) return copy(to, known + 8, known + 8 + load<u32>(known, 4))
  const tail = to
  store<u8>(to++, 34)
  to = name(literal(to, srcText, 7), word(row, SRC))
  store<u64>(to, eventText)
  store<u8>(to, 58, 8)
  to = name(to + 9, event)
  if (has & HAS_CPU) to = decimal(literal(to, cpuText, 7), word(row, CPU))
  if (has & HAS_PID) to = decimal(literal(to, pidText, 7), word(row, PID))
  if (word(row, COMM)) to = putText(literal(to, commText, 8), word(row, COMM), word(row, COMM + 1))
  if (word(row, FLAGS)) {
    store<u64>(to, flagsText)
    store<u8>(to, 58, 8)
    to = putText(to + 9, word(row, FLAGS), word(row, FLAGS + 1))
  }
  to = literal(to, argsText, 8)
  store<u8>(to++, 123)
  to = putFields(to, form, word(row, ARGS), word(row, ARGS + 1), word(row, OWN + 1))
  store<u8>(to++, 125)
  if (!exact) to = putText(literal(to, textText, 8), word(row, ARGS), word(row, ARGS + 1))
  if (word(row, TEXT)) to = putStack(to, word(row, TEXT), word(row, TEXT + 1), word(row, OWN + 1))
  store<u8>(to++, 125)
  if (tag != 0 && to - tail <= 1024) {
    copy(known + 8, tail, to)
    store<u32>(known, tag)
    store<u32>(known, <u32>(to - tail), 4)
  }
  return to
}

// @ts-ignore: decorator
@inline
function literal(to: usize, text: u64, length: usize): usize {
  store<u64>(to, text)
  return to + length
}

function name(to: usize, id: u32): usize {
  const from = nameAddress(id)
  return putText(to, from, from + nameLength(id))
}

/** `=> name (address)` or perf's `address name (module)`, a line each. */
function putStack(to: usize, p: usize, end: usize, format: i32): usize {
  store<u64>(to, stackText)
  store<u16>(to, 0x5b3a, 8)
  to += 10
  let any = false
  while (p < end) {
    while (load<u8>(p) == 32 || load<u8>(p) == 9) p++
    let e = p
    while (load<u8>(e) != 10) e++
    const next = e + 1
    while (e > p && load<u8>(e - 1) <= 32) e--
    if (format == TEXT_PERF || (e - p > 2 && load<u16>(p) == 0x3e3d)) {
      if (format != TEXT_PERF) {
        p += 2
        while (p < e && load<u8>(p) == 32) p++
      }
      // trace-cmd without its plugin prints empty places too
      if (e - p != 3 || load<u16>(p) != 0x7830 || load<u8>(p, 2) != 48) {
        if (any) store<u8>(to++, 44)
        to = putText(to, p, e)
        any = true
      }
    }
    p = next
  }
  store<u8>(to++, 93)
  return to
}
