/**
 * When a vCPU's thread was runnable and did not run, from the scheduler's events of the host:
 *
 *     woken        sched_waking of it, until the sched_switch to it
 *     preempted    a sched_switch from it while it was runnable (prev_state R), until the next one to it
 *
 * A waking is told while the thread is still on its way to sleep (try_to_wake_up waits for it to leave the CPU): then
 * the delay begins where it leaves the CPU, unless a later waking says that it slept after all. Who captures leaves out its own
 * threads' events, and so the switches from them: an event in another task than the last switch was to shows it, and a
 * wait whose end is not told is `lost`. It closes:
 *
 *     waits = delays + lost + backwards + open
 */
import { runqueues, type Share, type Task, type Waiter } from './runqueue.js'

export type Cause = 'woken' | 'preempted'

export interface Delay {
  start: number
  end: number
  cause: Cause
  /** Where it ran at last. */
  cpu: number
  ran: Share[]
  /** The task in which it was woken, or which the interrupt that woke it came in. */
  waker: Waker | undefined
}

export interface Waker {
  pid: number
  comm: string
}

export interface DelayCounts {
  waits: number
  delays: number
  lost: number
  backwards: number
  open: number
  /** Ran, and it is not known since when it could have. */
  unseen: number
}

interface Thread extends Waiter {
  state: 'unknown' | 'running' | 'asleep' | 'waiting'
  since: number
  cause: Cause
  waker: Waker | undefined
  /** Woken while it was still running. */
  woken: boolean
  /** It waits because of that; another waking would say that it slept. */
  doubtful: boolean
}

export interface Delays {
  /** Any event of the host: in which task. */
  seen(cpu: number, at: number, pid: number, comm: () => string): void
  /** `runnable`: who leaves could go on. */
  switched(cpu: number, at: number, prev: number, task: () => Task, runnable: boolean, next: Task): void
  /** `sched_waking`, or `sched_wakeup` (`done`). */
  woken(pid: number, at: number, cpu: number, waker: Waker | undefined, done: boolean): void
  migrated(pid: number, at: number, cpu: number): void
  /** What begins to wait before `until` may have run meanwhile. */
  lost(cpu: number | undefined, until: number): void
  counts(): DelayCounts
}

/** Only threads for which `isVcpu` holds are followed. */
export function vcpuDelays(isVcpu: (pid: number) => boolean, found: (pid: number, delay: Delay) => void): Delays {
  const queues = runqueues()
  const threads = new Map<number, Thread>()
  const counts = { waits: 0, delays: 0, lost: 0, backwards: 0, unseen: 0 }
  let lostUntil = Number.NEGATIVE_INFINITY

  function threadOf(pid: number): Thread | null {
    const known = threads.get(pid)
    if (known) return known
    if (!isVcpu(pid)) return null
    const made: Thread = {
      state: 'unknown',
      since: 0,
      cause: 'woken',
      waker: undefined,
      woken: false,
      doubtful: false,
      cpu: 0,
      accounted: 0,
      ran: new Map(),
    }
    threads.set(pid, made)
    return made
  }

  function waits(thread: Thread, at: number, cpu: number, cause: Cause, waker?: Waker): void {
    counts.waits++
    thread.state = 'waiting'
    thread.since = at
    thread.cause = cause
    thread.waker = waker
    thread.doubtful = false
    thread.cpu = cpu
    thread.accounted = at
    thread.ran = new Map()
    queues.add(thread)
  }

  function leaves(thread: Thread, at: number, cpu: number, runnable: boolean): void {
    if (thread.state === 'waiting') {
      // its coming was not recorded
      queues.remove(thread, at)
      counts.lost++
    }
    if (runnable) waits(thread, at, cpu, 'preempted')
    else if (thread.woken) {
      waits(thread, at, cpu, 'woken', thread.waker)
      thread.doubtful = true
    } else thread.state = 'asleep'
    thread.woken = false
  }

  function comes(pid: number, thread: Thread, at: number, cpu: number): void {
    const { state, since, cause, waker } = thread
    thread.state = 'running'
    thread.woken = false
    if (state !== 'waiting') {
      if (state !== 'running') counts.unseen++
      return
    }
    queues.remove(thread, at)
    if (since < lostUntil) {
      counts.lost++
      return
    }
    if (at < since) {
      counts.backwards++
      return
    }
    counts.delays++
    const ran = [...thread.ran.values()].sort((a, b) => b.ns - a.ns)
    found(pid, { start: since, end: at, cause, cpu, ran, waker })
  }

  return {
    seen(cpu, at, pid, comm) {
      if (queues.seen(cpu, at, pid, comm)) return
      const thread = threads.get(pid)
      if (thread?.state !== 'waiting') return
      // it came, and it is not known when
      queues.remove(thread, at)
      thread.state = 'running'
      counts.lost++
    },
    switched(cpu, at, prev, task, runnable, next) {
      queues.switched(cpu, at, task, next)
      const comer = threadOf(next.pid)
      if (comer) comes(next.pid, comer, at, cpu)
      const leaver = threadOf(prev)
      if (leaver) leaves(leaver, at, cpu, runnable)
    },
    woken(pid, at, cpu, waker, done) {
      const thread = threadOf(pid)
      if (!thread) return
      if (thread.state === 'running') {
        thread.woken = !done
        thread.waker = waker
        return
      }
      if (thread.state === 'waiting') {
        if (done) queues.move(thread, cpu, at)
        else if (thread.doubtful) {
          queues.remove(thread, at)
          counts.waits--
          waits(thread, at, cpu, 'woken', waker)
        }
        return
      }
      waits(thread, at, cpu, 'woken', waker)
    },
    migrated(pid, at, cpu) {
      const thread = threads.get(pid)
      if (thread?.state === 'waiting') queues.move(thread, cpu, at)
    },
    lost(cpu, until) {
      lostUntil = Math.max(lostUntil, until)
      queues.forget(cpu)
      for (const thread of threads.values()) {
        if (thread.state === 'waiting') {
          queues.remove(thread, thread.accounted)
          counts.lost++
        }
        thread.state = 'unknown'
        thread.woken = false
      }
    },
    counts() {
      const open = [...threads.values()].filter(({ state }) => state === 'waiting').length
      return { ...counts, open }
    },
  }
}
