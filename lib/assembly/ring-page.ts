/**
 * A CPU's ring buffer, page by page: `trace_pipe_raw`, and the same pages in trace.dat.
 *
 * A page is a time of 8 bytes, a commit word (how many bytes follow, whether events were lost before them), and
 * records. A record's header is 5 bits of type_len and 27 of time since the one before (kernel
 * include/linux/ring_buffer.h: struct ring_buffer_event; kernel/trace/ring_buffer.c). Nothing in a page is
 * believed beyond its end: a record that would pass it, or that has a pid which no kernel has, ends the page, as a
 * loss of unknown size.
 */
import { MAX_PID } from './layout'
import {
  CURSOR_AT,
  CURSOR_CLOCK,
  CURSOR_DATA,
  CURSOR_END,
  CURSOR_FLOOR,
  CURSOR_FOUND,
  CURSOR_HEAD,
  CURSOR_LAST,
  CURSOR_LENGTH,
  CURSOR_LOST,
  CURSOR_MASK,
  CURSOR_MISSED,
  CURSOR_NEXT,
  CURSOR_QUEUE,
  CURSOR_SHIFT,
  CURSOR_TAIL,
  CURSOR_TIME,
  NEXT_EVENT,
  NEXT_LOSS,
  NEXT_NOTHING,
  PAGE_DATA,
  PAGE_LENGTH,
  PAGE_MISSED,
  PAGE_MISSED_STORED,
} from './ring-layout'
import { shifted } from './ring-shift'

/** Bytes of data that a page can hold. */
let room: u32 = 4080

export function setPageSize(size: u32): void {
  room = size - PAGE_DATA
}

const PADDING: u32 = 29
const TIME_EXTEND: u32 = 30
const TIME_STAMP: u32 = 31
/** An absolute time has 59 bits; the others are those of the time before (ring_buffer.c: rb_fix_abs_ts). */
const HIGH: u64 = 0xf800000000000000
/** Every record begins with type, flags, preempt count and pid. */
const LEAST: u32 = 8

// @ts-ignore: decorator
@inline
export function word(base: usize, at: i32): u32 {
  return load<u32>(base + <usize>(at << 2))
}

// @ts-ignore: decorator
@inline
export function long(base: usize, at: i32): u64 {
  return load<u64>(base + <usize>(at << 2))
}

// @ts-ignore: decorator
@inline
function set(base: usize, at: i32, value: u32): void {
  store<u32>(base + <usize>(at << 2), value)
}

// @ts-ignore: decorator
@inline
function setLong(base: usize, at: i32, value: u64): void {
  store<u64>(base + <usize>(at << 2), value)
}

/** So many were never lost: such a count is not believed. */
const MOST_LOST: i64 = <i64>1 << 53

function addLost(cursor: usize, count: i64): void {
  const before = <i64>long(cursor, CURSOR_LOST)
  const known = count >= 0 && before >= 0 && count < MOST_LOST - before
  setLong(cursor, CURSOR_LOST, known ? before + count : -1)
  if (count > 0 && count < MOST_LOST) setLong(cursor, CURSOR_MISSED, long(cursor, CURSOR_MISSED) + count)
}

/** The next page of the queue; false when there is none. */
function openPage(cursor: usize): bool {
  const head = word(cursor, CURSOR_HEAD)
  if (head == word(cursor, CURSOR_TAIL)) return false
  const page: usize = load<u32>(word(cursor, CURSOR_QUEUE) + ((head & word(cursor, CURSOR_MASK)) << 2))
  set(cursor, CURSOR_HEAD, head + 1)
  const commit = load<u32>(page, 8)
  const length = min(commit & PAGE_LENGTH, room)
  setLong(cursor, CURSOR_CLOCK, load<u64>(page))
  set(cursor, CURSOR_AT, <u32>page + PAGE_DATA)
  set(cursor, CURSOR_END, <u32>page + PAGE_DATA + length)
  if (commit & PAGE_MISSED)
    addLost(cursor, commit & PAGE_MISSED_STORED && length + 8 <= room ? load<i64>(page + PAGE_DATA + length) : -1)
  return true
}

/**
 * Goes to the next record, over the pages there are. Its time, address and length stand in the cursor then, and
 * CURSOR_NEXT says whether a loss comes before it.
 */
export function advance(cursor: usize): void {
  while (true) {
    while (word(cursor, CURSOR_AT) >= word(cursor, CURSOR_END)) {
      if (openPage(cursor)) continue
      set(cursor, CURSOR_NEXT, NEXT_NOTHING)
      return
    }
    if (record(cursor)) break
  }
  setLong(cursor, CURSOR_FOUND, long(cursor, CURSOR_FOUND) + 1)
  if (long(cursor, CURSOR_LOST) == 0) {
    set(cursor, CURSOR_NEXT, NEXT_EVENT)
    setLong(cursor, CURSOR_TIME, now(cursor))
    setLong(cursor, CURSOR_LAST, now(cursor))
    return
  }
  // a loss stands where it can have begun: after the last event here, and after all that was known complete
  set(cursor, CURSOR_NEXT, NEXT_LOSS)
  const from = max(long(cursor, CURSOR_LAST), long(cursor, CURSOR_FLOOR))
  setLong(cursor, CURSOR_TIME, min(from, now(cursor)))
}

/** The time of the record that was found last. */
export function now(cursor: usize): u64 {
  return shifted(word(cursor, CURSOR_SHIFT), long(cursor, CURSOR_CLOCK))
}

/** After the loss comes the event that was found behind it. */
export function afterLoss(cursor: usize): void {
  setLong(cursor, CURSOR_LOST, 0)
  set(cursor, CURSOR_NEXT, NEXT_EVENT)
  setLong(cursor, CURSOR_TIME, now(cursor))
  setLong(cursor, CURSOR_LAST, now(cursor))
}

/** One header: true when it is that of an event, whose record is then in the cursor. */
function record(cursor: usize): bool {
  const at: usize = word(cursor, CURSOR_AT)
  const left = word(cursor, CURSOR_END) - <u32>at
  if (left < 4) return broken(cursor)
  const header = load<u32>(at)
  const type = header & 31
  const delta: u64 = header >>> 5
  if (type == PADDING && delta == 0) return leave(cursor)
  if (type > 0 && type < PADDING) return event(cursor, at, delta, 4, type << 2, left)
  if (left < 8) return broken(cursor)
  const next = load<u32>(at, 4)
  if (type == 0) return event(cursor, at, delta, 8, next - 4, left)
  if (type == PADDING) {
    if (next > left - 4) return broken(cursor)
    setLong(cursor, CURSOR_CLOCK, long(cursor, CURSOR_CLOCK) + delta)
    set(cursor, CURSOR_AT, <u32>at + 4 + next)
    return false
  }
  const before = long(cursor, CURSOR_CLOCK)
  const time = ((<u64>next) << 27) | delta
  setLong(cursor, CURSOR_CLOCK, type == TIME_EXTEND ? before + time : absolute(time, before))
  set(cursor, CURSOR_AT, <u32>at + 8)
  return false
}

function absolute(time: u64, before: u64): u64 {
  if (!(before & HIGH)) return time
  const full = time | (before & HIGH)
  return full < before ? full + (<u64>1 << 59) : full
}

function event(cursor: usize, at: usize, delta: u64, head: u32, length: u32, left: u32): bool {
  if (length < LEAST || length > left - head || load<u32>(at + head, 4) >= <u32>MAX_PID) return broken(cursor)
  setLong(cursor, CURSOR_CLOCK, long(cursor, CURSOR_CLOCK) + delta)
  set(cursor, CURSOR_DATA, <u32>at + head)
  set(cursor, CURSOR_LENGTH, length)
  set(cursor, CURSOR_AT, <u32>at + head + ((length + 3) & ~3))
  return true
}

function leave(cursor: usize): bool {
  set(cursor, CURSOR_AT, word(cursor, CURSOR_END))
  return false
}

function broken(cursor: usize): bool {
  addLost(cursor, -1)
  return leave(cursor)
}

/** The time of the last record of a page of this cursor, so far as its headers can be followed. */
export function lastTime(cursor: usize, page: usize): u64 {
  const length = min(load<u32>(page, 8) & PAGE_LENGTH, room)
  set(probe, CURSOR_AT, <u32>page + PAGE_DATA)
  set(probe, CURSOR_END, <u32>page + PAGE_DATA + length)
  setLong(probe, CURSOR_CLOCK, load<u64>(page))
  while (word(probe, CURSOR_AT) < word(probe, CURSOR_END)) record(probe)
  return shifted(word(cursor, CURSOR_SHIFT), long(probe, CURSOR_CLOCK))
}

const probe: usize = memory.data(104)
