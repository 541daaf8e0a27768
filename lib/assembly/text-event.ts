/** After the head of a line: which event, and where its text stands. */
import {
  ARGS,
  COMM,
  CPU,
  EVENT,
  FLAGS,
  HAS,
  HAS_CPU,
  HAS_PID,
  HAS_TIME_UNSIGNED,
  HAS_TS,
  HAS_TSC,
  OWN,
  PID,
  REASON_NAMES,
  SRC,
  TIME,
} from './layout'
import { isDigit } from './json'
import { intern } from './names'
import { isDigits, isHexDigit, put, skipBlanks, span } from './text-bytes'
import {
  commEnd,
  commFrom,
  cpu,
  doubt,
  flagsEnd,
  flagsFrom,
  format,
  pid,
  setDoubt,
  src,
} from './text-found'
import { seconds, time } from './text-head'
import { TEXT_FTRACE, TEXT_PERF, TEXT_TRACE_CMD } from './text-layout'
import { perfLoss } from './text-loss'
import { internText } from './text-name'

/** What a line with a head is: nothing known, a row, a record that is none of ours, the title of a stack. */
export const KIND_BROKEN = 0
export const KIND_ROW = 1
export const KIND_SKIPPED = 2
export const KIND_STACK = 3

/** Of a stack's title: where its first frame is, if that is on the same line. */
export let titleFrame: usize = 0
/** The function tracer's lines may be without the caller (nothing says so but that none has one). */
let callersLeftOut: bool = false

/** A header: `# tracer: function` begins the text of the function tracer. */
export function noteTracer(p: usize, stop: usize): void {
  if (stop - p < 10 || load<u64>(p) != 0x7265636172742023) return // # tracer
  callersLeftOut = stop - p == 18 && load<u64>(p, 8) == 0x6974636e7566203a && load<u16>(p, 16) == 0x6e6f // : function
}

export function forgetTracer(): void {
  callersLeftOut = false
}

/** After the time: the event's name and where its text stands. Fills the row. */
export function event(p: usize, first: usize, stop: usize, row: usize): i32 {
  if (doubt) return KIND_BROKEN
  p = skipBlanks(p, stop)
  let e = p
  while (e < stop && load<u8>(e) > 32) e++
  if (format == TEXT_PERF) {
    if (isDigits(p, e)) {
      // the period
      p = skipBlanks(e, stop)
      e = p
      while (e < stop && load<u8>(e) > 32) e++
    }
    if (e - p >= 12 && load<u64>(p) == 0x4345525f46524550 && load<u32>(p, 8) == 0x5f44524f) return perfRecord(p, stop, row) // PERF_RECORD_
  }
  if (e == p) return KIND_BROKEN
  if (isDashed()) {
    if (load<u16>(p) == 0x2b28 && load<u8>(e - 1) == 41 && isDigits(p + 2, e - 1)) {
      // trace-cmd report --ts-diff: (+3502)
      p = skipBlanks(e, stop)
      e = p
      while (e < stop && load<u8>(e) > 32) e++
      if (e == p) return KIND_BROKEN
    }
    if (load<u32>(p) == 0x5f737973) {
      const call = syscallText(p, e, stop, row)
      if (call) return call < 0 ? KIND_BROKEN : fill(row, <u32>call, first)
    }
    if (load<u8>(p) == 60 && isStackTitle(p, stop)) {
      titleFrame = 0
      return KIND_STACK
    }
  }
  if (load<u8>(e - 1) != 58) {
    if (!isDashed()) return KIND_BROKEN
    const after = addressEnd(e, stop)
    if (!after) return functionText(p, e, stop, row, first)
    return named(p, e, after, stop, row, first)
  }
  if (e - 1 == p || (format == TEXT_PERF && isTime(p, e - 1))) return KIND_BROKEN
  return named(p, e - 1, e, stop, row, first)
}

/** The name from `p` to `e`, its text from `text` on. */
function named(p: usize, e: usize, text: usize, stop: usize, row: usize, first: usize): i32 {
  if (format == TEXT_FTRACE) e = symbolEnd(p, e)
  const id = internText(p, <u32>(e - p))
  if (id < 0) {
    setDoubt(REASON_NAMES)
    return KIND_BROKEN
  }
  if (format == TEXT_TRACE_CMD) {
    text = skipBlanks(text, stop)
    titleFrame = 0
    if (text < stop && load<u8>(text) == 60 && isStackTitle(text, stop)) return KIND_STACK
    // without trace-cmd's plugin: \t=> name
    if (text + 4 < stop && load<u32>(text) == 0x203e3d09) {
      titleFrame = text
      return KIND_STACK
    }
  } else if (text < stop) text++
  span(row, ARGS, text, stop)
  return fill(row, id, first)
}

/** `tracing_mark_write+0x8a/0x170` (the option sym-offset): a marker is called after the function that wrote it. */
function symbolEnd(p: usize, e: usize): usize {
  for (let q = p + 1; q + 3 < e; q++) if (load<u8>(q) == 43 && load<u16>(q, 1) == 0x7830) return q
  return e
}

/** ` <ffffffff8149ab1a>:` behind such a name (sym-addr): where it ends, or 0. */
function addressEnd(p: usize, stop: usize): usize {
  if (p + 5 > stop || load<u16>(p) != 0x3c20) return 0
  let q = p + 2
  while (q < stop && isHexDigit(load<u8>(q))) q++
  return q > p + 2 && q + 1 < stop && load<u16>(q) == 0x3a3e ? q + 2 : 0
}

/** `47687.369453`: no event is called so; what seemed to be its time was of the comm. */
function isTime(p: usize, e: usize): bool {
  let q = p
  while (q < e && isDigit(load<u8>(q))) q++
  return q > p && q < e && load<u8>(q) == 46 && isDigits(q + 1, e)
}

/** Printed by the kernel's or trace-cmd's own hand: `comm-pid`, names without a system. */
// @ts-ignore: decorator
@inline
function isDashed(): bool {
  return format == TEXT_FTRACE || format == TEXT_TRACE_CMD
}

function fill(row: usize, id: u32, first: usize): i32 {
  let has: u32 = seconds ? HAS_TS : HAS_TSC
  if (time >= 0x8000000000000000) has |= HAS_TIME_UNSIGNED
  store<u64>(row + TIME * 4, time)
  put(row, EVENT, id)
  put(row, SRC, src)
  if (cpu >= 0) {
    put(row, CPU, cpu)
    has |= HAS_CPU
  }
  if (pid >= 0) {
    put(row, PID, pid)
    has |= HAS_PID
  }
  put(row, HAS, has)
  if (commFrom) span(row, COMM, commFrom, commEnd)
  if (flagsFrom) span(row, FLAGS, flagsFrom, flagsEnd)
  put(row, OWN, first)
  put(row, OWN + 1, format)
  return KIND_ROW
}

// sys_enter_ and sys_exit_, and room for a name after it
const enter: usize = memory.data<u8>([115, 121, 115, 95, 101, 110, 116, 101, 114, 95])
const exit: usize = memory.data<u8>([115, 121, 115, 95, 101, 120, 105, 116, 95])
const functionName: usize = memory.data<u8>([102, 117, 110, 99, 116, 105, 111, 110])
const nameRoom: usize = memory.data(512)

/**
 * `sys_pread64(fd: 3, buf: 7ffe493de170, count: 310, pos: 40)` is syscalls:sys_enter_pread64, `sys_pread64 -> 0x310`
 * sys_exit_pread64 (kernel/trace/trace_syscalls.c). Answers the event's id, 0 where it is neither, -1: no room.
 */
function syscallText(p: usize, e: usize, stop: usize, row: usize): i32 {
  let n = p
  while (n < e && load<u8>(n) != 40) n++
  if (n - p > 200) return 0
  if (n < e) {
    const close = load<u8>(stop - 1) == 41 ? stop - 1 : stop
    span(row, ARGS, n + 1, max(close, n + 1))
    memory.copy(nameRoom, enter, 10)
    memory.copy(nameRoom + 10, p + 4, n - p - 4)
    return internText(nameRoom, <u32>(n - p + 6))
  }
  // " -> "
  if (e + 4 > stop || load<u32>(e) != 0x203e2d20) return 0
  span(row, ARGS, e + 4, stop)
  memory.copy(nameRoom, exit, 9)
  memory.copy(nameRoom + 9, p + 4, e - p - 4)
  return internText(nameRoom, <u32>(e - p + 5))
}

/** `irqfd_inject <-process_one_work`: the function tracer; its name alone, up to `e`, without the option print-parent. */
function functionText(p: usize, e: usize, stop: usize, row: usize, first: usize): i32 {
  let q = p
  while (q + 3 <= stop) {
    if (load<u8>(q) == 32 && load<u16>(q, 1) == 0x2d3c) {
      callersLeftOut = false
      span(row, ARGS, p, stop)
      return fill(row, intern(functionName, 8), first)
    }
    q++
  }
  if (!callersLeftOut || e != stop) return KIND_BROKEN
  span(row, ARGS, p, stop)
  return fill(row, intern(functionName, 8), first)
}

/** `<stack trace>`, `<stack trace >`, `<user stack trace>` */
function isStackTitle(p: usize, stop: usize): bool {
  if (stop - p < 13) return false
  const eight = load<u64>(p)
  return eight == 0x74206b636174733c || eight == 0x747320726573753c // <stack t, <user st
}

/** PERF_RECORD_LOST is a loss; other records of perf are none of ours. */
function perfRecord(p: usize, stop: usize, row: usize): i32 {
  if (stop - p < 17 || load<u32>(p, 12) != 0x54534f4c || load<u8>(p, 16) != 32) return KIND_SKIPPED // LOST
  perfLoss(p + 16, stop, row)
  return KIND_ROW
}
