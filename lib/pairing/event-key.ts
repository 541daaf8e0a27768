/**
 * The key of an event: `key` where it has one, else its thread, else its CPU. A thread or CPU is one of its own
 * machine: the same pid on another is another thread. Each CPU has an idle thread of its own, all with the pid 0:
 * the interrupts of two idle CPUs are not of one thread.
 *
 * Integers below 2^53 are numbers, so that nothing is allocated for them; a thread or CPU is a negative number
 * with a half, which no integer key is.
 */
import {
  CPU,
  HAS,
  HAS_CPU,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  KEY,
  PID,
  SRC,
} from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { bytes, utf8, words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'

export type Key = number | string

/** Keys are held, as many as there are open starts: who sends long ones must not fill the memory with them. */
const LONGEST_KEY = 1024
/** With the quote before it. */
const QUOTED = LONGEST_KEY + 1

/** Throws BadRecord where a key is longer than one may be. */
export function boundedKey<T>(key: T, most = LONGEST_KEY): T {
  if (typeof key === 'string' && key.length > most)
    throw new BadRecord(`its key is longer than ${LONGEST_KEY} characters`)
  return key
}

export interface EventKey {
  /** Undefined where the event has none. */
  of(record: RecordView): Key | undefined
  /** The key last answered is one of its machine alone. */
  readonly local: boolean
}

/** Of the idle thread of a CPU that is known. `has`: HAS bits of the event's line. */
export function isIdle(has: number, pid: number): boolean {
  return pid === 0 && (has & HAS_PID) !== 0 && (has & HAS_CPU) !== 0
}

/** `by`: what the user wants for the key instead. */
export function eventKey(by: ((record: RecordView) => Key | undefined) | null): EventKey {
  let local = false

  function localKey(row: number, has: number): number | undefined {
    // ids of names have 13 bits; CPUs stand above all srcs, idle threads above these
    const src = (words[row + SRC] as number) + 1
    const pid = words[row + PID] as number
    const cpu = words[row + CPU] as number
    if (isIdle(has, pid)) return -((src + 0x20000) * 0x1_0000_0000 + cpu) - 0.5
    if (has & HAS_PID) return -(src * 0x1_0000_0000 + pid) - 0.5
    if (has & HAS_CPU) return -((src + 0x10000) * 0x1_0000_0000 + cpu) - 0.5
    return undefined
  }

  return {
    get local() {
      return local
    },
    of(record) {
      const { row } = record
      const has = words[row + HAS] as number
      local = false
      if (by) return boundedKey(by(record), QUOTED)
      if (has & HAS_KEY_INTEGER) return integerKey(record, row, has)
      if (has & HAS_KEY_TEXT) return boundedKey(textKey(row), QUOTED)
      local = true
      return localKey(row, has)
    },
  }
}

/**
 * What the text says, behind a quote, which tells it from an integer above 2^53. The quote is the line's own:
 * one string is made of the key, not one for each step.
 */
function textKey(row: number): string {
  const from = words[row + KEY] as number
  const end = words[row + KEY + 1] as number
  // six bytes of JSON at most are a character
  if (end - from > 6 * LONGEST_KEY) throw new BadRecord(`its key is longer than ${LONGEST_KEY} characters`)
  if (bytes[from] !== 34) return `"${utf8(from, end)}`
  const text = utf8(from, end - 1)
  return text.includes('\\') ? `"${JSON.parse(`${text}"`)}` : text
}

function integerKey(record: RecordView, row: number, has: number): Key {
  const high = words[row + KEY + 1] as number
  const low = (words[row + KEY] as number) >>> 0
  if (high === 0) return low
  if (high >= -0x200000 && high < 0x200000 && !(has & HAS_KEY_UNSIGNED)) return high * 0x1_0000_0000 + low
  return String(record.key)
}
