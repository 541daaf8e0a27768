/**
 * The ring buffers of several CPUs, merged by time: pages go in, rows come out.
 *
 * Whoever reads says how far the merge may go (`until`): a time before which nothing more can come from any CPU.
 */
import { ROW_WORDS } from '../assembly/layout.js'
import {
  CURSOR_CPU,
  CURSOR_FLOOR,
  CURSOR_HEAD,
  CURSOR_LAST,
  CURSOR_LOST,
  CURSOR_MASK,
  CURSOR_MISSED,
  CURSOR_NEXT,
  CURSOR_QUEUE,
  CURSOR_SHIFT,
  CURSOR_TAIL,
  CURSOR_WORDS,
  NEXT_NOTHING,
  STOP_DONE,
  STOP_EVENT,
  STOP_NOTE,
  STOP_PID,
} from '../assembly/ring-layout.js'
import { allocate, bytes, release, scanner, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'

const MAX_ROWS = 1024
const LINES = 1 << 20
/** A page and what is read 16 bytes at a time past its end. */
const SLACK = 64
/** What the names of a record's fields may take when no room is left for their values. */
const LINES_SLACK = 1 << 16

export interface RingsOptions {
  cpus: readonly number[]
  /** Where `cpus` are numbers for buffers of which several may be of one CPU: which CPU one is of. */
  cpuOf?(cpu: number): number
  /** The address of what corrects a CPU's times (SHIFT_*); 0: nothing. */
  shift?(cpu: number): number
  pageSize: number
  /** Pages that may wait for one CPU. */
  depth: number
  src: string
  /** The times are cycles. */
  cycles: boolean
  /** Tells the decoder of a thread (setThread). */
  thread(pid: number): void
  /** Tells it of an event (learnFormat). */
  format(id: number): void
  row(row: number): void
  /** A note's row; its line is only as good as the next call. */
  note(row: number): void
}

export interface Rings {
  /** Room for the next page of a CPU: an address to read it to; 0 while too many wait. */
  room(cpu: number): number
  /** The page at the last `room` of that CPU is there. */
  put(cpu: number): void
  /** The time of the last event of the page put last; undefined before the first. */
  newest(cpu: number): bigint | undefined
  /** Nothing that is still to come of any CPU can have been lost before this time. */
  floor(time: bigint): void
  /** Rows for what lies at or before `until`. */
  merge(until: bigint): void
  /** What is missing behind the last event of each CPU: nothing is to come before which it could be told. */
  unsaid(): { cpu: number; count: number | undefined; from: string | undefined }[]
  /** Events by the reader itself, which were left out, and events of others that are about it. */
  readonly counts: { own: number; about: number }
  close(): void
  /** Events that are missing on a CPU, as its pages told. */
  missed(cpu: number): number
}

/** A time that no event reaches: merge all there is. */
export const ALL = 0xffff_ffff_ffff_ffffn

/**
 * What is known of one CPU's pages. Changed in place: a Map that is set and deleted for days makes garbage that only a
 * full collection finds (each table points to the one that replaced it, and once one is old, all after it are).
 */
interface Lane {
  /** The decoder's own state, in words. */
  cursor: number
  /** Pages that have been given back. */
  freed: number
  /** A page with room that nothing has been read to yet; 0: none. */
  spare: number
}

export function openRings({ cpus, pageSize, depth, src, cycles, ...on }: RingsOptions): Rings {
  const cursors = allocate(cpus.length * CURSOR_WORDS * 4)
  const lanes = new Map<number, Lane>(
    cpus.map((cpu, i) => [cpu, { cursor: (cursors >> 2) + i * CURSOR_WORDS, freed: 0, spare: 0 }]),
  )
  const size = pageSize + SLACK
  const rows = allocate(MAX_ROWS * ROW_WORDS * 4)
  const lines = allocate(LINES + LINES_SLACK)

  words.fill(0, cursors >> 2, (cursors >> 2) + cpus.length * CURSOR_WORDS)
  for (const [cpu, { cursor }] of lanes) {
    words[cursor + CURSOR_CPU] = on.cpuOf?.(cpu) ?? cpu
    words[cursor + CURSOR_SHIFT] = on.shift?.(cpu) ?? 0
    words[cursor + CURSOR_QUEUE] = allocate(depth * 4)
    words[cursor + CURSOR_MASK] = depth - 1
  }
  scanner.setPageSize(pageSize)
  scanner.setStream(idOf(src), cycles)
  scanner.setLostType(idOf('lost'))

  const laneOf = (cpu: number) => lanes.get(cpu) as Lane
  const waiting = (cursor: number) => (words[cursor + CURSOR_TAIL] as number) - (words[cursor + CURSOR_HEAD] as number)
  const slot = (cursor: number, n: number) =>
    ((words[cursor + CURSOR_QUEUE] as number) >> 2) + (n & (words[cursor + CURSOR_MASK] as number))

  /** Pages that the decoder has left are free again; the one it is in is not. */
  function reclaim(lane: Lane): void {
    const { cursor, freed } = lane
    const done = (words[cursor + CURSOR_HEAD] as number) - (words[cursor + CURSOR_NEXT] === NEXT_NOTHING ? 0 : 1)
    for (let n = freed; n < done; n++) release(words[slot(cursor, n)] as number, size)
    lane.freed = Math.max(done, freed)
  }

  function answer(why: number): void {
    if (why === STOP_PID) on.thread(scanner.ringAsks())
    else if (why === STOP_EVENT) on.format(scanner.ringAsks())
  }

  return {
    room(cpu) {
      const lane = laneOf(cpu)
      const { cursor } = lane
      // one slot less: the page that the decoder is in still has its own
      if (waiting(cursor) >= depth - 1) return 0
      const place = slot(cursor, words[cursor + CURSOR_TAIL] as number)
      lane.spare ||= allocate(size)
      words[place] = lane.spare
      return lane.spare
    },
    put(cpu) {
      const lane = laneOf(cpu)
      const { cursor } = lane
      lane.spare = 0
      words[cursor + CURSOR_TAIL] = (words[cursor + CURSOR_TAIL] as number) + 1
    },
    newest(cpu) {
      const { cursor, freed } = laneOf(cpu)
      const tail = words[cursor + CURSOR_TAIL] as number
      if (tail === freed) return undefined
      return BigInt.asUintN(64, scanner.lastTime(cursor * 4, words[slot(cursor, tail - 1)] as number))
    },
    floor(time) {
      for (const { cursor } of lanes.values()) bytes.writeBigUInt64LE(time, (cursor + CURSOR_FLOOR) * 4)
    },
    merge(until) {
      while (true) {
        const count = scanner.ringMerge(cursors, cpus.length, until, rows, MAX_ROWS, lines, lines + LINES)
        const why = scanner.ringStop()
        const events = why === STOP_NOTE ? count - 1 : count
        for (let i = 0; i < events; i++) on.row((rows >> 2) + i * ROW_WORDS)
        if (why === STOP_NOTE) on.note((rows >> 2) + events * ROW_WORDS)
        if (why === STOP_DONE) break
        answer(why)
      }
      for (const lane of lanes.values()) reclaim(lane)
    },
    unsaid() {
      return cpus.flatMap((cpu) => {
        const { cursor } = laneOf(cpu)
        const count = bytes.readBigInt64LE((cursor + CURSOR_LOST) * 4)
        const from = bytes.readBigUInt64LE((cursor + CURSOR_LAST) * 4)
        if (count === 0n) return []
        const told = { count: count < 0n ? undefined : Number(count), from: from === 0n ? undefined : from.toString() }
        return [{ cpu: words[cursor + CURSOR_CPU] as number, ...told }]
      })
    },
    close() {
      for (const { cursor, freed, spare } of lanes.values()) {
        const tail = words[cursor + CURSOR_TAIL] as number
        for (let n = freed; n < tail; n++) release(words[slot(cursor, n)] as number, size)
        if (spare) release(spare, size)
        release(words[cursor + CURSOR_QUEUE] as number, depth * 4)
      }
      release(cursors, cpus.length * CURSOR_WORDS * 4)
      release(rows, MAX_ROWS * ROW_WORDS * 4)
      release(lines, LINES + LINES_SLACK)
    },
    missed: (cpu) => Number(bytes.readBigInt64LE((laneOf(cpu).cursor + CURSOR_MISSED) * 4)),
    get counts() {
      return { own: scanner.ringOwn(), about: scanner.ringAbout() }
    },
  }
}
