/** The row and the JSON line of one record of a ring buffer, by the program of its format (TypeScript compiles it). */
import {
  ARGS,
  CLOSE,
  CPU,
  EVENT,
  HAS,
  HAS_CPU,
  HAS_PID,
  HAS_TIME_UNSIGNED,
  HAS_TS,
  HAS_TSC,
  LINE,
  LINE_END,
  PID,
  ROW_WORDS,
  SRC,
  TIME,
  TIME_AFTER,
  TIME_AT,
  TYPE,
  VM,
} from './layout'
import { nameAddress, nameLength } from './names'
import { copy, decimal } from './put'
import {
  CURSOR_CPU,
  CURSOR_DATA,
  CURSOR_LENGTH,
  FIELD_COUNT,
  FIELD_HEAD,
  FIELD_KIND,
  FIELD_OFFSET,
  FIELD_PLACE,
  FIELD_SIGNED,
  FIELD_SIZE,
  FIELD_WORDS,
  KIND_NUMBER,
  KIND_PRINTK,
  KIND_TEXT,
  PLACE_AT,
  PLACE_REL,
  PLACE_REST,
  PROGRAM_EVENT,
  PROGRAM_FIELDS,
  PROGRAM_HEAD,
  PROGRAM_WORDS,
} from './ring-layout'
import { word } from './ring-page'
import { hasComm, putCommOf, putNumber, putPrintk, putSymbol, vmOf } from './ring-table'
import { put } from './text-bytes'
import { putText } from './text-value'

/** The stream's src, and whether its times are cycles. */
let src: u32 = 0
let cycles: bool = false

export function setStream(name: u32, counter: bool): void {
  src = name
  cycles = counter
}

/** The line of the cursor's event, before `stop`, and its row. `slot` is the thread's, or 0. Answers the line's end. */
export function putEvent(cursor: usize, program: usize, slot: usize, row: usize, to: usize, stop: usize, time: u64): usize {
  const data: usize = word(cursor, CURSOR_DATA)
  memory.fill(row, 0, ROW_WORDS * 4)
  put(row, LINE, to)
  to = putTime(row, to, time)
  to = copy(to, word(program, PROGRAM_HEAD), word(program, PROGRAM_HEAD + 1))
  to = decimal(to, word(cursor, CURSOR_CPU))
  store<u64>(to, 0x3a22646970222c) // ,"pid":
  to = decimal(to + 7, load<u32>(data, 4))
  if (slot && hasComm(slot)) {
    store<u64>(to, 0x3a226d6d6f63222c) // ,"comm":
    to = putCommOf(to + 8, slot)
  }
  to = putFlags(to, load<u8>(data, 2), load<u8>(data, 3))
  store<u64>(to, 0x3a2273677261222c) // ,"args":
  put(row, ARGS, to + 8)
  to = putArgs(to + 8, program, data, word(cursor, CURSOR_LENGTH), stop)
  put(row, ARGS + 1, to)
  if (slot && vmOf(slot)) to = putVm(row, to, vmOf(slot))
  put(row, EVENT, word(program, PROGRAM_EVENT))
  put(row, SRC, src)
  put(row, CPU, word(cursor, CURSOR_CPU))
  put(row, PID, load<u32>(data, 4))
  put(row, HAS, word(row, HAS) | HAS_CPU | HAS_PID)
  return close(row, to)
}

function putTime(row: usize, to: usize, time: u64): usize {
  store<u8>(to++, 123)
  put(row, TIME_AT, to)
  if (cycles) store<u64>(to, 0x223a226373742200 >> 8) // "tsc":"
  else store<u64>(to, 0x223a22737422) // "ts":"
  to = decimal(to + (cycles ? 7 : 6), time)
  store<u8>(to++, 34)
  put(row, TIME_AFTER, to)
  store<u64>(row + TIME * 4, time)
  put(row, HAS, cycles ? (<i64>time < 0 ? HAS_TSC | HAS_TIME_UNSIGNED : HAS_TSC) : HAS_TS)
  return to
}

function close(row: usize, to: usize): usize {
  put(row, CLOSE, to)
  store<u8>(to++, 125)
  put(row, LINE_END, to)
  return to
}

function putVm(row: usize, to: usize, vm: u32): usize {
  store<u64>(to, 0x3a226d76222c) // ,"vm":
  put(row, VM, vm)
  return putText(to + 6, nameAddress(vm), nameAddress(vm) + nameLength(vm))
}

/** TRACE_FLAG_* (include/linux/trace_events.h). The bit 2 says "lazy" since 6.13 and "irqs: no support" before, which x86 never said. */
const IRQS_OFF: u8 = 1
const NEED_RESCHED_LAZY: u8 = 2
const NEED_RESCHED: u8 = 4
const HARDIRQ: u8 = 8
const SOFTIRQ: u8 = 16
const PREEMPT_RESCHED: u8 = 32
const NMI: u8 = 64
const BH_OFF: u8 = 128

/** `,"flags":"d.h1."` as kernel/trace/trace_output.c trace_print_lat_fmt() has it. */
function putFlags(to: usize, flags: u8, count: u8): usize {
  store<u64>(to, 0x227367616c66222c) // ,"flags"
  store<u16>(to, 0x223a, 8)
  to += 10
  const bh = (flags & BH_OFF) != 0
  store<u8>(to, flags & IRQS_OFF ? (bh ? 68 : 100) : bh ? 98 : 46)
  store<u8>(to, resched(flags), 1)
  store<u8>(to, interrupt(flags), 2)
  store<u8>(to, depth(count & 15), 3)
  store<u8>(to, depth(count >> 4), 4)
  store<u8>(to, 34, 5)
  return to + 6
}

/** By need-resched, preempt-resched, lazy: `.`, `n`, `p`, `N`, `l`, `b`, `L`, `B`. */
function resched(flags: u8): u8 {
  const index =
    (flags & NEED_RESCHED ? 1 : 0) + (flags & PREEMPT_RESCHED ? 2 : 0) + (flags & NEED_RESCHED_LAZY ? 4 : 0)
  return <u8>((<u64>0x424c626c4e706e2e >> (<u64>index * 8)) & 255)
}

function interrupt(flags: u8): u8 {
  if (flags & NMI) return flags & HARDIRQ ? 90 : 122 // Z z
  if (flags & HARDIRQ) return flags & SOFTIRQ ? 72 : 104 // H h
  return flags & SOFTIRQ ? 115 : 46 // s .
}

function depth(n: u8): u8 {
  return n == 0 ? 46 : n < 10 ? 48 + n : 87 + n
}

/** `{"irq":26,"name":"virtio0-input.0"}` */
function putArgs(to: usize, program: usize, data: usize, length: u32, stop: usize): usize {
  store<u8>(to++, 123)
  const first = to
  let field = program + PROGRAM_WORDS * 4
  for (let left = word(program, PROGRAM_FIELDS); left > 0; left--) {
    const before = to
    to = copy(to, word(field, FIELD_HEAD), word(field, FIELD_HEAD + 1))
    to = putField(to, field, data, length, stop)
    // the comma before the first
    if (before == first) {
      memory.copy(first, first + 1, to - first - 1)
      to--
    }
    field += FIELD_WORDS * 4
  }
  store<u8>(to++, 125)
  return to
}

/** Where a field's bytes are, as offset and end in the record; an end of 0: not in it. */
let from: u32 = 0
let end: u32 = 0

function locate(field: usize, data: usize, length: u32): void {
  const offset = word(field, FIELD_OFFSET)
  const place = word(field, FIELD_PLACE)
  from = offset
  end = 0
  if (place == PLACE_REST) {
    if (offset <= length) end = length
    return
  }
  if (place == PLACE_AT) {
    const bytes = max<u32>(word(field, FIELD_COUNT), 1) * word(field, FIELD_SIZE)
    if (offset <= length && bytes <= length - offset) end = offset + bytes
    return
  }
  if (offset > length || length - offset < 4) return
  const where = load<u32>(data + <usize>offset)
  from = (where & 0xffff) + (place == PLACE_REL ? offset + 4 : 0)
  if (from <= length && where >>> 16 <= length - from) end = from + (where >>> 16)
}

/** What the name behind an address may take. */
const NAMED_ROOM: usize = 8192

/** A value; `null` where the record does not hold it, or the line would become too long. */
function putField(to: usize, field: usize, data: usize, length: u32, stop: usize): usize {
  locate(field, data, length)
  const kind = word(field, FIELD_KIND)
  const need: usize = kind == KIND_NUMBER || kind == KIND_TEXT ? <usize>(end - from) * 8 + 64 : NAMED_ROOM
  if (end == 0 || to + need > stop) {
    store<u32>(to, 0x6c6c756e)
    return to + 4
  }
  if (kind == KIND_TEXT) return putString(to, data + <usize>from, data + <usize>end)
  const size = word(field, FIELD_SIZE)
  const signed = word(field, FIELD_SIGNED) != 0
  if (word(field, FIELD_COUNT) == 0 && word(field, FIELD_PLACE) == PLACE_AT)
    return putElement(to, kind, data + <usize>from, size, signed)
  store<u8>(to++, 91)
  for (let at = from; at + size <= end; at += size) {
    if (at > from) store<u8>(to++, 44)
    to = putElement(to, kind, data + <usize>at, size, signed)
  }
  store<u8>(to++, 93)
  return to
}

function putElement(to: usize, kind: u32, at: usize, size: u32, signed: bool): usize {
  if (kind == KIND_NUMBER) return putNumber(to, at, size, signed)
  return kind == KIND_PRINTK ? putPrintk(to, load<u64>(at)) : putSymbol(to, load<u64>(at))
}

/** A text ends at its NUL; the newline that trace_marker puts behind its text is not part of it. */
function putString(to: usize, p: usize, e: usize): usize {
  let stop = p
  while (stop < e && load<u8>(stop)) stop++
  if (stop > p && load<u8>(stop - 1) == 10) stop--
  return putText(to, p, stop)
}

/** FTRACE_TRAMPOLINE_MARKER (kernel/trace/trace.h), printed as `[FTRACE TRAMPOLINE]`. */
const TRAMPOLINE: u64 = 0x7fffffff
const trampoline: usize = memory.data<u8>([91, 70, 84, 82, 65, 67, 69, 32, 84, 82, 65, 77, 80, 79, 76, 73, 78, 69, 93])

/** The frames of a kernel_stack record, as `stack` of the row's event, whose line ends at `to`. */
export function putStack(cursor: usize, field: usize, row: usize, to: usize, stop: usize): usize {
  const data: usize = word(cursor, CURSOR_DATA)
  locate(field, data, word(cursor, CURSOR_LENGTH))
  to = word(row, CLOSE)
  store<u64>(to, 0x226b63617473222c) // ,"stack"
  store<u16>(to, 0x5b3a, 8)
  to += 10
  let any = false
  for (let at = from; at + 8 <= end && to + 256 < stop; at += 8) {
    const address = load<u64>(data + <usize>at)
    if (address == 0 || address == u64.MAX_VALUE) break
    if (any) store<u8>(to++, 44)
    to = address == TRAMPOLINE ? putText(to, trampoline, trampoline + 19) : putSymbol(to, address)
    any = true
  }
  store<u8>(to++, 93)
  return close(row, to)
}

/** `{"type":"lost",…}`, a row of the interned type `lost`; a loss before the first event began nobody knows when. */
export function putLoss(cursor: usize, type: u32, row: usize, to: usize, count: i64, begin: u64, until: u64): usize {
  memory.fill(row, 0, ROW_WORDS * 4)
  put(row, LINE, to)
  to = copy(to, lossHead, lossHead + 21)
  to = putText(to, nameAddress(src), nameAddress(src) + nameLength(src))
  store<u64>(to, 0x3a22757063222c) // ,"cpu":
  to = decimal(to + 7, word(cursor, CURSOR_CPU))
  if (count > 0) {
    store<u64>(to, 0x22746e756f63222c) // ,"count"
    store<u8>(to, 58, 8)
    to = decimal(to + 9, <u64>count)
  }
  if (begin) {
    store<u64>(to, 0x3a226d6f7266222c) // ,"from":
    store<u8>(to, 34, 8)
    to = decimal(to + 9, begin)
    store<u8>(to++, 34)
  }
  store<u64>(to, 0x223a226f74222c) // ,"to":"
  to = decimal(to + 7, until)
  store<u8>(to++, 34)
  put(row, TYPE, type)
  put(row, SRC, src)
  put(row, CPU, word(cursor, CURSOR_CPU))
  put(row, HAS, HAS_CPU)
  return close(row, to)
}

// {"type":"lost","src":
const lossHead: usize = memory.data<u8>([
  123, 34, 116, 121, 112, 101, 34, 58, 34, 108, 111, 115, 116, 34, 44, 34, 115, 114, 99, 34, 58, 0,
])
