/**
 * Detail: the events around a slow pair, from some time before its start to some time after its end.
 *
 * When a pair turns out slow its start is long gone (and its end may be, where clocks were first listened to),
 * so the last events are kept, as many as RING bytes hold. Each event goes out at most once, with `detail_ns`:
 * its time less that of the pair's start. Pairs whose beginning the ring no longer held are counted.
 *
 * What happened elsewhere may be left out: events of the same CPU or the same thread as one end of the pair, on that
 * end's machine, or of the same key.
 */
import { HAS_CPU, HAS_PID, HAS_TS, LINE, LINE_END, ROW_WORDS, SRC, TIME } from '../assembly/layout.js'
import { integer64, wide } from '../wire/int64.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { LINE_ROOM, RecordView, rescan } from '../wire/record.js'
import type { OpenStart } from './open-starts.js'

const RING = 1 << 23

/** What an event must have in common with the pair, any of these; none: nothing. */
export const sames = ['samecpu', 'samepid', 'samekey'] as const
export type Same = (typeof sames)[number]

export interface Stretch {
  /** In the unit of the events' times. */
  before: bigint
  after: bigint
  same: readonly Same[]
}

interface Kept {
  from: number
  end: number
  time: bigint
  shown: boolean
}

export interface Detail {
  /** Every event, in order, after it was paired. */
  event(record: RecordView, out: Out): void
  /** A slow pair, right after its record. */
  pair(start: OpenStart, end: RecordView, out: Out): void
  /** Events that went out, and stretches whose beginning was no longer held. */
  readonly events: number
  readonly cut: number
}

export function detail({ before, after, same }: Stretch): Detail {
  const ring = allocate(RING + 64)
  const row = allocate(ROW_WORDS * 4 + LINE_ROOM)
  const view = new RecordView()
  let kept: Kept[] = []
  let first = 0
  let at = ring
  let overwritten: bigint | undefined
  let zero = 0n
  let until: bigint | undefined
  let concerns: (event: RecordView) => boolean = () => true
  let events = 0
  let cut = 0

  /** Room for `length` bytes: what stood there is forgotten. */
  function place(length: number): number {
    if (at + length > ring + RING) {
      forget(at, ring + RING)
      at = ring
    }
    forget(at, at + length)
    const from = at
    at += length
    return from
  }

  function forget(from: number, end: number): void {
    for (; first < kept.length; first++) {
      const { from: start, time } = kept[first] as Kept
      if (start < from || start >= end) break
      overwritten = time
    }
    if (first < 4096) return
    kept = kept.slice(first)
    first = 0
  }

  function show(event: Kept, out: Out): void {
    const text = row + ROW_WORDS * 4
    scanner.copy(text, event.from, event.end)
    view.row = rescan(text, text + (event.end - event.from), row)
    if (!concerns(view)) return
    out.append(view, `,"detail_ns":${event.time - zero}`)
    event.shown = true
    events++
  }

  return {
    get events() {
      return events
    },
    get cut() {
      return cut
    },
    event(record, out) {
      if (!record.has(HAS_TS)) return
      record.materialise()
      const line = words[record.row + LINE] as number
      const end = words[record.row + LINE_END] as number
      const length = end - line
      const from = place(length)
      bytes.copyWithin(from, line, end)
      const event = { from, end: from + length, time: integer64(record.row + TIME), shown: false }
      kept.push(event)
      if (until !== undefined && event.time <= until) show(event, out)
    },
    pair(start, end, out) {
      zero = wide(start.high, start.low)
      if (same.length > 0) concerns = commonWith(same, start, end)
      const last = (end.time ?? 0n) + after
      const since = zero - before
      if (overwritten !== undefined && overwritten >= since) cut++
      for (let i = first; i < kept.length; i++) {
        const event = kept[i] as Kept
        if (event.time >= since && event.time <= last && !event.shown) show(event, out)
      }
      if (until === undefined || last > until) until = last
    },
  }
}

function commonWith(same: readonly Same[], start: OpenStart, end: RecordView): (event: RecordView) => boolean {
  const endSrc = srcOf(end)
  const { src, cpu, pid, has } = start
  const { cpu: endCpu, pid: endPid, key } = end
  const startCpu = has & HAS_CPU ? cpu : undefined
  const startPid = has & HAS_PID ? pid : undefined
  const having: Record<Same, (event: RecordView) => boolean> = {
    samecpu: (event) => either(event, event.cpu, startCpu, endCpu),
    samepid: (event) => either(event, event.pid, startPid, endPid),
    samekey: (event) => key !== undefined && event.key === key,
  }
  return (event) => same.some((one) => having[one](event))

  function either(event: RecordView, value: number | undefined, first: number | undefined, last: number | undefined) {
    if (value === undefined) return false
    const machine = srcOf(event)
    return (machine === src && value === first) || (machine === endSrc && value === last)
  }
}

function srcOf({ row }: RecordView): number {
  return words[row + SRC] as number
}
