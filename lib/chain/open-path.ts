/**
 * An open path: what it has seen so far, and where it waits. Its stages that have not come are null.
 */
import { EVENT, HAS_TS, SRC } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'

/** One event of a path, kept without its line. */
export interface Stamp {
  time: bigint
  /** Nanoseconds; else cycles of its machine's own counter. */
  ns: boolean
  /** Interned. */
  event: number
  src: number
  cpu: number | undefined
  pid: number | undefined
}

export interface OpenPath {
  stamps: (Stamp | null)[]
  /** The last stage that has come. */
  at: number
  links: Map<string, string>
  /** The stages it waits at, each with its key there. */
  waits: Map<number, string>
}

export function stampOf(record: RecordView): Stamp {
  return {
    time: record.time as bigint,
    ns: record.has(HAS_TS),
    event: words[record.row + EVENT] as number,
    src: words[record.row + SRC] as number,
    cpu: record.cpu,
    pid: record.pid,
  }
}

export function lastStamp({ stamps, at }: OpenPath): Stamp {
  return stamps[at] as Stamp
}

/** Can the two times be subtracted: both in ns, or cycles of one machine? */
export function comparable(a: Stamp, b: Stamp): boolean {
  return a.ns === b.ns && (a.ns || a.src === b.src)
}
