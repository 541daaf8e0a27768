/**
 * Detail: the events around a slow pair, from some time before its start to some time after its end.
 *
 * When a pair turns out slow its start is long gone (and its end may be, where clocks were first listened to),
 * so the last events are kept, as many as the ring of recent.ts holds. Each event goes out at most once, with `detail_ns`:
 * its time less that of the pair's start. Pairs whose beginning the ring no longer held are counted.
 *
 * What happened elsewhere may be left out: events of the same CPU or the same thread as one end of the pair, on that
 * end's machine, or of the same key.
 */
import { HAS_CPU, HAS_PID, HAS_TS, SRC } from '../assembly/layout.js'
import { wide } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { recent } from '../wire/recent.js'
import type { RecordView } from '../wire/record.js'
import type { OpenStart } from './open-starts.js'

/** What an event must have in common with the pair, any of these; none: nothing. */
export const sames = ['samecpu', 'samepid', 'samekey'] as const
export type Same = (typeof sames)[number]

export interface Stretch {
  /** In the unit of the events' times. */
  before: bigint
  after: bigint
  same: readonly Same[]
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
  const last = recent()
  /** By slot. */
  const shown = new Uint8Array(last.slots)
  let zero = 0n
  let until: bigint | undefined
  let concerns: (event: RecordView) => boolean = () => true
  let events = 0
  let cut = 0

  function show(slot: number, out: Out): void {
    const view = last.view(slot)
    if (!concerns(view)) return
    out.append(view, `,"detail_ns":${last.time(slot) - zero}`)
    shown[slot] = 1
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
      const slot = last.add(record)
      shown[slot] = 0
      if (until !== undefined && last.time(slot) <= until) show(slot, out)
    },
    pair(start, end, out) {
      zero = wide(start.high, start.low)
      if (same.length > 0) concerns = commonWith(same, start, end)
      const to = (end.time ?? 0n) + after
      const since = zero - before
      if (last.forgotten !== undefined && last.forgotten >= since) cut++
      for (const slot of last.between(since, to)) if (!shown[slot]) show(slot, out)
      if (until === undefined || to > until) until = to
    },
  }
}

function commonWith(same: readonly Same[], start: OpenStart, end: RecordView): (event: RecordView) => boolean {
  const endSrc = srcOf(end)
  const { src, cpu, pid, has } = start
  const { cpu: endCpu, pid: endPid, key } = end
  const startCpu = has & HAS_CPU ? cpu : undefined
  const startThread = threadOf(has & HAS_PID ? pid : undefined, startCpu)
  const endThread = threadOf(endPid, endCpu)
  const having: Record<Same, (event: RecordView) => boolean> = {
    samecpu: (event) => either(event, event.cpu, startCpu, endCpu),
    samepid: (event) => either(event, threadOf(event.pid, event.cpu), startThread, endThread),
    samekey: (event) => key !== undefined && event.key === key,
  }
  return (event) => same.some((one) => having[one](event))

  function either(event: RecordView, value: number | undefined, first: number | undefined, last: number | undefined) {
    if (value === undefined) return false
    const machine = srcOf(event)
    return (machine === src && value === first) || (machine === endSrc && value === last)
  }
}

/** Each CPU has an idle thread of its own, all with the pid 0. */
function threadOf(pid: number | undefined, cpu: number | undefined): number | undefined {
  return pid === 0 && cpu !== undefined ? -1 - cpu : pid
}

function srcOf({ row }: RecordView): number {
  return words[row + SRC] as number
}
