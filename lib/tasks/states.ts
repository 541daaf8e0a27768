/**
 * States of threads, as the scheduler's events tell them:
 *
 *     R    running               from a sched_switch to it, to the one away from it
 *     RD   runnable, no CPU      from sched_wakeup, or from the switch that took its CPU, to the switch to it
 *     S D  asleep, and so on     from the switch away, with the letter of prev_state, to its sched_wakeup
 *
 * Where only sched_waking was recorded, that is the wake-up. A wake-up of a thread that has not slept says nothing. The idle threads
 * (pid 0) have no state.
 *
 * Each stretch in a state has a start and an end, and is counted as pair counts: ends whose start is not known are orphans, starts
 * whose end did not come where it must are replaced. A loss in a machine makes all states of its threads unsafe.
 */
import { CPU, EVENT, HAS, HAS_TS, HAS_TSC, SRC, TIME } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import type { ClosedAccount } from '../pairing/account.js'
import { difference, wide } from '../wire/int64.js'
import type { Loss } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import { kindsOfEvents, stateLetter, type Task, taskOf } from './sched-events.js'

/** When and by which event. */
export interface Moment {
  /** Interned. */
  event: number
  low: number
  high: number
  cpu: number
  has: number
}

export interface Stretch {
  state: string
  task: Task
  src: number
  start: Moment
  end: Moment
  /** In the unit of the events. */
  delta: number
}

interface Thread {
  src: number
  state: string | undefined
  since: Moment | undefined
  /** Events may be missing since. */
  unsafe: boolean
  waking: Moment | undefined
  /** Events may be missing since it. */
  wakingUnsafe: boolean
}

export interface States {
  /** Throws a BadRecord where the event lacks what it must say. */
  event(record: RecordView): void
  /** Answers false where a stretch went out already that the loss makes unsafe. */
  loss(loss: Loss): boolean
  account(): ClosedAccount
}

const UNIT = HAS_TS | HAS_TSC

export function taskStates(maxThreads: number, sink: (stretch: Stretch) => void): States {
  const kindOf = kindsOfEvents()
  /** In the order of their last event. */
  const threads = new Map<number, Thread>()
  const losses: { src: number; cpu: number | undefined; until: bigint }[] = []
  const account = {
    ...{ starts: 0, ends: 0, pairs: 0, replaced: 0, expired: 0, evicted: 0, lost: 0, acausal: 0, orphans: 0 },
    foreign: 0,
  }
  let lastEnd: bigint | undefined

  function threadOf(src: number, pid: number): Thread {
    // pids are below 2^31, ids of names have 13 bits
    const key = src * 0x1_0000_0000 + pid
    const known = threads.get(key)
    const thread = known ?? {
      ...{ src, state: undefined, since: undefined, unsafe: false },
      ...{ waking: undefined, wakingUnsafe: false },
    }
    if (known) threads.delete(key)
    else if (threads.size >= maxThreads) evict()
    threads.set(key, thread)
    return thread
  }

  function evict(): void {
    const [key, oldest] = threads.entries().next().value as [number, Thread]
    if (oldest.state !== undefined) account.evicted++
    threads.delete(key)
  }

  /** The thread's state was one of these, and is over now. */
  function close(thread: Thread, task: Task, end: Moment, is: (state: string) => boolean): void {
    const { state, since, src } = thread
    thread.state = undefined
    account.ends++
    if (state === undefined || since === undefined || !is(state) || ((since.has ^ end.has) & UNIT) !== 0) {
      account.orphans++
      if (state !== undefined) account.replaced++
      return
    }
    if (thread.unsafe) {
      account.lost++
      account.orphans++
      return
    }
    const delta = difference(end.high, end.low, since.high, since.low)
    if (delta < 0) {
      account.acausal++
      return
    }
    account.pairs++
    lastEnd = wide(end.high, end.low)
    sink({ state, task, src, start: since, end, delta })
  }

  function open(thread: Thread, state: string, since: Moment): void {
    account.starts++
    thread.state = state
    thread.since = since
    thread.waking = undefined
    thread.unsafe = losses.length > 0 && duringLoss(thread.src, since)
  }

  /** At the end of a loss only its own CPU is known to be past it. */
  function duringLoss(src: number, { high, low, cpu }: Moment): boolean {
    const now = wide(high, low)
    for (let i = losses.length - 1; i >= 0; i--) {
      const loss = losses[i] as (typeof losses)[number]
      if (now > loss.until) losses.splice(i, 1)
      else if (now === loss.until && (loss.src === 0 || loss.cpu === undefined || loss.cpu === cpu)) continue
      else if (loss.src === 0 || loss.src === src) return true
    }
    return false
  }

  function leave(record: RecordView, src: number, now: Moment): void {
    const task = need(taskOf(record, 'prev'), record, 'prev_pid')
    const letter = need(stateLetter(record), record, 'prev_state')
    if (task.pid === 0) return
    const thread = threadOf(src, task.pid)
    close(thread, task, now, (state) => state === 'R')
    // dead: there is no such thread any more
    if (letter === 'X' || letter === 'Z') threads.delete(src * 0x1_0000_0000 + task.pid)
    else open(thread, letter === 'R' ? 'RD' : letter, now)
  }

  function enter(record: RecordView, src: number, now: Moment): void {
    const task = need(taskOf(record, 'next'), record, 'next_pid')
    if (task.pid === 0) return
    const thread = threadOf(src, task.pid)
    const { waking, wakingUnsafe } = thread
    if (waking) {
      wake(thread, task, waking, false)
      thread.unsafe ||= wakingUnsafe
    }
    close(thread, task, now, (state) => state === 'RD')
    open(thread, 'R', now)
  }

  /** A new thread was in no state before. */
  function wake(thread: Thread, task: Task, now: Moment, isNew: boolean): void {
    if (thread.state === 'R' || thread.state === 'RD') return
    if (thread.state !== undefined) close(thread, task, now, () => true)
    else if (!isNew) {
      account.ends++
      account.orphans++
    }
    open(thread, 'RD', now)
  }

  return {
    event(record) {
      const { row } = record
      const kind = kindOf(words[row + EVENT] as number)
      if (kind === null) return
      const src = words[row + SRC] as number
      const now = momentOf(record)
      if (kind === 'switch') {
        leave(record, src, now)
        enter(record, src, now)
        return
      }
      const task = need(taskOf(record, 'woken'), record, 'pid')
      if (task.pid === 0) return
      const thread = threadOf(src, task.pid)
      if (kind !== 'waking') wake(thread, task, now, kind === 'new')
      else if (thread.state !== 'R' && thread.state !== 'RD' && !thread.waking) {
        thread.waking = now
        // losses that are over when it runs are forgotten by then
        thread.wakingUnsafe = losses.length > 0 && duringLoss(src, now)
      }
    },
    loss({ src, cpu, from, to: until }) {
      for (const thread of threads.values()) {
        if (src !== 0 && thread.src !== src) continue
        if (thread.state !== undefined) account.lost++
        thread.state = undefined
        thread.waking = undefined
      }
      if (until !== undefined) losses.push({ src, cpu, until })
      return from === undefined || lastEnd === undefined || lastEnd <= from
    },
    account() {
      const open = [...threads.values()].filter(({ state }) => state !== undefined).length
      return { ...account, open }
    },
  }
}

function momentOf({ row, event }: RecordView): Moment {
  const has = words[row + HAS] as number
  if (!(has & UNIT)) throw new BadRecord(`${event} has no ts or tsc`)
  return {
    event: words[row + EVENT] as number,
    low: words[row + TIME] as number,
    high: words[row + TIME + 1] as number,
    cpu: words[row + CPU] as number,
    has,
  }
}

function need<T>(value: T | undefined, { event }: RecordView, name: string): T {
  if (value === undefined) throw new BadRecord(`${event} has no ${name}`)
  return value
}
