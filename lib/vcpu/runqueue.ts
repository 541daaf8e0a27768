/**
 * The CPUs of a host, and the threads that wait for one: who runs on each CPU, and so who runs while another waits
 * there. Times of those who ran add up to the wait.
 */

export interface Task {
  pid: number
  comm: string
  prio: number | undefined
}

export interface Share extends Task {
  ns: number
}

/** A thread that is runnable and does not run. */
export interface Waiter {
  /** Where it waits. */
  cpu: number
  /** Until when it is accounted who ran. */
  accounted: number
  ran: Map<number, Share>
}

export interface Runqueues {
  /** `waiter` waits on its CPU, from `accounted` on. */
  add(waiter: Waiter): void
  move(waiter: Waiter, cpu: number, at: number): void
  /** It waits no more. */
  remove(waiter: Waiter, at: number): void
  /** An event on this CPU came in this task: where another was known to run, its leaving was not recorded. */
  seen(cpu: number, at: number, pid: number, comm: () => string): boolean
  /** Another task runs on this CPU from now on; `prev` did until now. */
  switched(cpu: number, at: number, prev: () => Task, next: Task): void
  /** It is not known who runs, on this CPU or on any. */
  forget(cpu: number | undefined): void
}

/** Who runs is not known. */
const unknownTask: Task = { pid: -1, comm: '?', prio: undefined }
/** More tasks than these in one wait are one share. */
const MAX_SHARES = 64
const otherTasks: Task = { pid: -2, comm: 'others', prio: undefined }

export function runqueues(): Runqueues {
  const current = new Map<number, Task>()
  const waiting = new Map<number, Set<Waiter>>()

  function account(waiter: Waiter, at: number): void {
    const ns = at - waiter.accounted
    if (ns <= 0) return
    waiter.accounted = at
    const runs = current.get(waiter.cpu) ?? unknownTask
    const task = waiter.ran.has(runs.pid) || waiter.ran.size < MAX_SHARES ? runs : otherTasks
    const share = waiter.ran.get(task.pid)
    if (share) share.ns += ns
    else waiter.ran.set(task.pid, { ...task, ns })
  }

  function accountAll(cpu: number, at: number): void {
    for (const waiter of waiting.get(cpu) ?? []) account(waiter, at)
  }

  function add(waiter: Waiter): void {
    const others = waiting.get(waiter.cpu)
    if (others) others.add(waiter)
    else waiting.set(waiter.cpu, new Set([waiter]))
  }

  function remove(waiter: Waiter, at: number): void {
    account(waiter, at)
    waiting.get(waiter.cpu)?.delete(waiter)
  }

  return {
    add,
    remove,
    move(waiter, cpu, at) {
      if (waiter.cpu === cpu) return
      remove(waiter, at)
      waiter.cpu = cpu
      add(waiter)
    },
    seen(cpu, at, pid, comm) {
      const runs = current.get(cpu)
      if (runs === undefined || runs.pid === pid) return true
      // since when is not known either
      current.set(cpu, unknownTask)
      accountAll(cpu, at)
      current.set(cpu, { pid, comm: comm(), prio: undefined })
      return false
    },
    switched(cpu, at, prev, next) {
      if (!current.has(cpu)) current.set(cpu, prev())
      accountAll(cpu, at)
      current.set(cpu, next)
    },
    forget(cpu) {
      if (cpu === undefined) current.clear()
      else current.delete(cpu)
    },
  }
}
