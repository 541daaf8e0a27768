/**
 * Tracks: each machine is a process, with a track for each CPU and one for each thread.
 *
 * Perfetto takes a tid for one thread of the whole trace, and 0 for none, so each machine has ten million tids: a
 * thread's are its pid (the second machine's thread 404 is 10000404), a CPU's begin at 9,000,000.
 */
import { shortened } from '../drawing/shortened.js'
import type { Place, TraceJson } from './trace-json.js'

export interface Machine {
  readonly src: string
  readonly pid: number
  cpu(cpu: number | undefined): Place
  /** The idle tasks, which all have pid 0, have their CPU's track. */
  thread(pid: number | undefined, cpu: number | undefined, comm?: string): Place
}

export interface Tracks {
  /** By the name of a src; undefined where there are too many. */
  machine(src: string): Machine | undefined
  /** What a stream says of its machine. */
  hostname(src: string, hostname: string): void
}

/** A tid has 32 bits. */
const MOST_MACHINES = 400
const EACH = 10_000_000
const FIRST_CPU = 9_000_000
/** PID_MAX_LIMIT in include/linux/threads.h is 2^22. */
const MAX_PID = 1 << 22
const ODD_THREADS = 8_999_999
const NO_CPU = 9_999_999
/** Threads whose names are held, so that each is written once. */
const MOST_NAMES = 100_000

/** A track of a CPU, not of a thread. */
export function isCpu({ tid }: Place): boolean {
  return tid % EACH >= FIRST_CPU
}

export function tracks(json: TraceJson): Tracks {
  const machines = new Map<string, Machine>()
  const named = new Map<number, string>()

  function name(place: Place, text: string, sort: number): Place {
    if (named.get(place.tid) === text || (named.size >= MOST_NAMES && !named.has(place.tid))) return place
    if (!named.has(place.tid)) json.put('M', place, {}, { name: 'thread_sort_index', args: { sort_index: sort } })
    named.set(place.tid, text)
    json.put('M', place, {}, { name: 'thread_name', args: { name: text } })
    return place
  }

  function processName(pid: number, text: string): void {
    json.put('M', { pid, tid: (pid - 1) * EACH + NO_CPU }, {}, { name: 'process_name', args: { name: text } })
  }

  function made(src: string): Machine {
    // the host comes first, whoever is seen first
    const others = machines.size - (machines.has('host') ? 1 : 0)
    const pid = src === 'host' ? 1 : others + 2
    const from = (pid - 1) * EACH
    const kind = src === 'host' ? 'CPU' : 'vCPU'
    const cpu = (n: number | undefined) =>
      n === undefined
        ? name({ pid, tid: from + NO_CPU }, 'no CPU known', NO_CPU)
        : name({ pid, tid: from + FIRST_CPU + n }, `${kind} ${n}`, n)
    processName(pid, shortened(src || 'unknown'))
    json.put('M', { pid, tid: from + NO_CPU }, {}, { name: 'process_sort_index', args: { sort_index: pid } })
    return {
      src,
      pid,
      cpu,
      thread(thread, n, comm) {
        if (!thread) return cpu(n)
        const odd = thread > MAX_PID
        const place = { pid, tid: from + (odd ? ODD_THREADS : thread) }
        if (odd) return name(place, `pids above ${MAX_PID}`, ODD_THREADS)
        const known = named.get(place.tid)
        return comm === undefined && known !== undefined
          ? place
          : name(place, `${shortened(comm ?? '<...>')} ${thread}`, 100_000 + thread)
      },
    }
  }

  return {
    machine(src) {
      const known = machines.get(src)
      if (known || machines.size >= MOST_MACHINES) return known
      const machine = made(src)
      machines.set(src, machine)
      return machine
    },
    hostname(src, hostname) {
      const machine = this.machine(src)
      if (machine && hostname !== src) processName(machine.pid, shortened(`${src} ${hostname}`))
    },
  }
}
