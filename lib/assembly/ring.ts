/**
 * Merges the ring buffers of several CPUs by time, and writes each event's row and line.
 *
 * JavaScript puts pages into the cursors' queues and asks for what lies before a time that is safe; the merge
 * stops wherever it needs JavaScript (a thread's comm, a format, room), and is asked again.
 */
import { ROW_WORDS } from './layout'
import { putEvent, putLoss, putStack } from './ring-event'
import {
  CURSOR_DATA,
  CURSOR_LENGTH,
  CURSOR_LOST,
  CURSOR_NEXT,
  CURSOR_TIME,
  CURSOR_WORDS,
  NEXT_EVENT,
  NEXT_LOSS,
  NEXT_NOTHING,
  PROGRAM_FLAGS,
  PROGRAM_LEARN,
  PROGRAM_NOTE,
  PROGRAM_PIDS,
  PROGRAM_SKIP,
  PROGRAM_STACK,
  PROGRAM_WORDS,
  RING_LINE_ROOM,
  STOP_DONE,
  STOP_EVENT,
  STOP_FULL,
  STOP_NOTE,
  STOP_PID,
} from './ring-layout'
import { advance, afterLoss, long, now, word } from './ring-page'
import { isOwn, isStale, learnComm, thread } from './ring-table'

/** Per event id (common_type is 16 bits): the address of its program; 0 is none. */
const programs: usize = memory.data(4 * 65536)

export function setProgram(id: u32, program: usize): void {
  store<u32>(programs + ((id & 0xffff) << 2), <u32>program)
}

/** Forgets all programs: another kernel's ids mean other events. */
export function forgetPrograms(): void {
  memory.fill(programs, 0, 4 * 65536)
}

/** Why the last merge stopped (STOP_*), and the pid or event id it asks for. */
let why: i32 = STOP_DONE
let asks: u32 = 0
/** Events by the reader itself, which are left out, and events of others that are about it. */
let own: u32 = 0
let about: u32 = 0

export function ringStop(): i32 {
  return why
}

export function ringAsks(): u32 {
  return asks
}

export function ringOwn(): u32 {
  return own
}

export function ringAbout(): u32 {
  return about
}

let lostType: u32 = 0

export function setLostType(type: u32): void {
  lostType = type
}

/** The rows made and the end of the lines so far. */
let rowAt: usize = 0
let lineAt: usize = 0

/**
 * Up to `most` rows of what lies at or before `until` in the `n` cursors, in the order of time; their lines from
 * `lines` on, before `stop`. Answers how many.
 */
export function ringMerge(cursors: usize, n: i32, until: u64, rows: usize, most: i32, lines: usize, stop: usize): i32 {
  rowAt = rows
  lineAt = lines
  why = STOP_DONE
  const rowsEnd = rows + <usize>most * ROW_WORDS * 4
  while (why == STOP_DONE) {
    const first = earliest(cursors, n)
    if (!first || long(first, CURSOR_TIME) > until) break
    while (why == STOP_DONE && word(first, CURSOR_NEXT) != NEXT_NOTHING && isFirst(long(first, CURSOR_TIME), until)) {
      if (rowAt == rowsEnd || lineAt + room(first) > stop) why = STOP_FULL
      else take(first, stop)
    }
  }
  return <i32>((rowAt - rows) / (ROW_WORDS * 4))
}

// @ts-ignore: decorator
@inline
function isFirst(time: u64, until: u64): bool {
  return time <= until && (time < next || (time == next && !nextFirst))
}

function room(cursor: usize): usize {
  return RING_LINE_ROOM + <usize>word(cursor, CURSOR_LENGTH) * 8
}

/** The time of the second of the cursors, and whether that one comes first where times are equal. */
let next: u64 = 0
let nextFirst: bool = false

/** The cursor whose next is the earliest, the lower one where two are; 0 when all are empty. */
function earliest(cursors: usize, n: i32): usize {
  let first: usize = 0
  let time: u64 = u64.MAX_VALUE
  next = u64.MAX_VALUE
  nextFirst = false
  for (let i = 0; i < n; i++) {
    const cursor = cursors + <usize>(i * CURSOR_WORDS * 4)
    if (word(cursor, CURSOR_NEXT) == NEXT_NOTHING) advance(cursor)
    if (word(cursor, CURSOR_NEXT) == NEXT_NOTHING) continue
    const there = long(cursor, CURSOR_TIME)
    if (there < time || !first) {
      if (first) {
        next = time
        nextFirst = true
      }
      first = cursor
      time = there
    } else if (there < next) {
      next = there
      nextFirst = false
    }
  }
  return first
}

/** The next of a cursor: a loss, or an event and what belongs to it. */
function take(cursor: usize, stop: usize): void {
  if (word(cursor, CURSOR_NEXT) == NEXT_LOSS) {
    const count = <i64>long(cursor, CURSOR_LOST)
    lineAt = putLoss(cursor, lostType, rowAt, lineAt, count, long(cursor, CURSOR_TIME), now(cursor))
    rowAt += ROW_WORDS * 4
    afterLoss(cursor)
    return
  }
  const data: usize = word(cursor, CURSOR_DATA)
  const program: usize = word(programs, load<u16>(data))
  if (!program) return ask(STOP_EVENT, load<u16>(data))
  const flags = word(program, PROGRAM_FLAGS)
  if (flags & (PROGRAM_SKIP | PROGRAM_STACK)) return advance(cursor)
  const pid = load<u32>(data, 4)
  const slot = thread(pid)
  if (!(flags & PROGRAM_NOTE)) {
    if (!slot || isStale(slot)) return ask(STOP_PID, pid)
    if (isOwn(slot)) {
      own++
      return advance(cursor)
    }
  }
  if (word(program, PROGRAM_LEARN)) learn(program, data, word(cursor, CURSOR_LENGTH))
  if (word(program, PROGRAM_PIDS)) countAbout(program, data, word(cursor, CURSOR_LENGTH))
  const row = rowAt
  const end = lineAt + room(cursor)
  lineAt = putEvent(cursor, program, slot, row, lineAt, min(end, stop), long(cursor, CURSOR_TIME))
  rowAt += ROW_WORDS * 4
  advance(cursor)
  if (flags & PROGRAM_NOTE) why = STOP_NOTE
  else if (word(cursor, CURSOR_NEXT) == NEXT_EVENT) stackOf(cursor, row, min(lineAt + RING_LINE_ROOM / 2, stop))
}

/** The stack of an event is the next record of its CPU. */
function stackOf(cursor: usize, row: usize, stop: usize): void {
  const program: usize = word(programs, load<u16>(word(cursor, CURSOR_DATA)))
  if (!program || !(word(program, PROGRAM_FLAGS) & PROGRAM_STACK)) return
  lineAt = putStack(cursor, program + PROGRAM_WORDS * 4, row, lineAt, stop)
  advance(cursor)
}

function ask(reason: i32, what: u32): void {
  why = reason
  asks = what
}

/** sched_switch and its like tell the comm of other threads. The idle task, pid 0, has one name for all CPUs. */
function learn(program: usize, data: usize, length: u32): void {
  for (let i = 0; i < 2; i++) {
    const pid = word(program, PROGRAM_LEARN + i * 2)
    const comm = word(program, PROGRAM_LEARN + i * 2 + 1)
    if (!pid || pid + 4 > length || comm + 16 > length) continue
    const whose = load<u32>(data + <usize>pid)
    if (whose) learnComm(whose, data + <usize>comm, 16)
  }
}

function countAbout(program: usize, data: usize, length: u32): void {
  for (let i = 0; i < 3; i++) {
    const offset = word(program, PROGRAM_PIDS + i)
    if (!offset || offset + 4 > length) return
    const slot = thread(load<u32>(data + <usize>offset))
    if (!slot || !isOwn(slot)) continue
    about++
    return
  }
}
