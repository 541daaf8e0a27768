/** Pairing by brute force: every end looks through all starts before it. The reference for lib/pairing. */
import assert from 'node:assert/strict'
import { type Line, readLine } from './line.js'

export interface PairEvent {
  time: bigint
  /** `tsc` or `ts`; only the same are compared. */
  unit?: string | undefined
  /** `A` starts, `B` ends. */
  what: string
  key: string
  vm: string | undefined
  /** Who saw it; undefined: a host. */
  src?: string
}

export const policies = ['last', 'first', 'fifo', 'lifo'] as const
export type Policy = (typeof policies)[number]

/** The pairs in the order of their ends. */
export function bruteForce<E extends PairEvent>(events: readonly E[], policy: Policy): [start: E, end: E][] {
  const pairs: [E, E][] = []
  const before: E[] = []
  let open: E[] = []
  /** A src that was called a guest, and that called no other one, is that guest. */
  const guestOf = ({ vm, src }: E) => {
    const alone = before.some((e) => e.vm === src) && before.every((e) => e.src !== src || (e.vm ?? src) === src)
    return vm ?? (alone ? src : undefined)
  }
  for (const event of events) {
    if (event.what !== 'A' && event.what !== 'B') continue
    before.push(event)
    const isStart = event.what === 'A'
    const own = guestOf(event)
    const same = open.filter((start) => {
      const guest = guestOf(start)
      return start.key === event.key && (guest === own || (!isStart && (guest === undefined || own === undefined)))
    })
    if (isStart) {
      if (policy === 'first' && same.length > 0) continue
      if (policy === 'last') open = open.filter((start) => !same.includes(start))
      open.push(event)
      continue
    }
    const start = policy === 'fifo' || policy === 'first' ? same[0] : same.at(-1)
    if (start === undefined || start.unit !== event.unit) continue
    if (event.time >= start.time) pairs.push([start, event])
    open = open.filter((other) => other !== start)
  }
  return pairs
}

/** What the man page of pair promises of its counts. */
export function accountCloses(counts: Record<string, unknown>): void {
  const sum = (...names: string[]) => names.reduce((all, name) => all + Number(counts[name] ?? 0), 0)
  const text = JSON.stringify(counts)
  assert.equal(
    sum('starts'),
    sum('pairs', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'),
    `starts: ${text}`,
  )
  assert.equal(sum('ends'), sum('pairs', 'orphans', 'acausal'), `ends: ${text}`)
}

/**
 * The pairs of a stream, each `start end` in digits; undefined where it is of two machines, or has losses, or lines of
 * which it is not certain whether they count: then the order of what is held decides.
 */
export function expectedPairs(
  stream: Buffer,
  starts: readonly string[],
  ends: readonly string[],
  policy: Policy,
): string[] | undefined {
  const events: (PairEvent & { digits: string })[] = []
  const srcs = new Set<string>()
  for (let at = 0; at < stream.length; ) {
    const newline = stream.indexOf(10, at)
    const line = stream.subarray(at, newline < 0 ? stream.length : newline)
    at += line.length + 1
    const read = line.length > 1 << 20 ? null : readLine(line)
    if (!read) continue
    if (read.doubtful === undefined || read.type === 'lost') return undefined
    if (read.doubtful || read.type !== '') continue
    const bare = read.event.slice(read.event.indexOf(':') + 1)
    const is = (names: readonly string[]) => names.some((name) => name === read.event || name === bare)
    if (!is(starts) && !is(ends)) continue
    const key = keyOf(read)
    if (read.time === undefined || key === undefined || key.length > 1024) continue
    srcs.add(read.src)
    const { time, unit, vm } = read
    const digits = (unit === 'tsc' ? BigInt.asUintN(64, time) : time).toString()
    events.push({ time, unit, what: is(starts) ? 'A' : 'B', key, vm: vm || undefined, digits })
  }
  if (srcs.size > 1) return undefined
  return bruteForce(events, policy).map(([start, end]) => `${start.digits} ${end.digits}`)
}

/** 7 and "7" are the same key; a thread or CPU is none that a key could be. */
function keyOf({ key, pid, cpu }: Line): string | undefined {
  if (key !== undefined) return typeof key === 'string' && key.startsWith('"') ? JSON.parse(key) : String(key)
  if (Number(pid) === 0 && cpu !== undefined) return `\u0000idle ${cpu}`
  if (pid !== undefined) return `\u0000pid ${pid}`
  return cpu === undefined ? undefined : `\u0000cpu ${cpu}`
}
