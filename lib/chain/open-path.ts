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
  /** The last stage that has come; -1: none yet. */
  at: number
  /** Values of the links, in the order of linkNames(). */
  links: (string | undefined)[]
  /** With which key it waits at a stage, and behind those for a queue; undefined: it does not. */
  keys: (string | undefined)[]
  /** It may have taken another one's events: seen at this stage. It is followed, but has no record. */
  doubt: number | undefined
  /** Neighbours in age. */
  older: OpenPath | null
  newer: OpenPath | null
}

/** Paths to fill. One that is over is used again: a stream of many short ones makes no garbage. */
export interface PathPool {
  take(): OpenPath
  give(path: OpenPath): void
}

/** `keys`: how many things there are to wait for. */
export function pathPool(stages: number, links: number, keys: number): PathPool {
  const free: OpenPath[] = []
  return {
    take: () =>
      free.pop() ?? {
        stamps: new Array(stages).fill(null),
        at: -1,
        links: new Array(links).fill(undefined),
        keys: new Array(keys).fill(undefined),
        doubt: undefined,
        older: null,
        newer: null,
      },
    give(path) {
      path.stamps.fill(null)
      path.links.fill(undefined)
      path.at = -1
      path.keys.fill(undefined)
      path.doubt = undefined
      free.push(path)
    },
  }
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

export function lastStamp({ stamps, at }: Pick<OpenPath, 'stamps' | 'at'>): Stamp {
  return stamps[at] as Stamp
}

/** Can the two times be subtracted: both in ns, or cycles of one machine? */
export function comparable(a: Stamp, b: Stamp): boolean {
  return a.ns === b.ns && (a.ns || a.src === b.src)
}
