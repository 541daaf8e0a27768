/**
 * When a vCPU ran: from kvm_entry to kvm_exit of its thread (arch/x86/kvm/trace.h). While it runs, and only then,
 * the guest makes events on that CPU.
 *
 * What was not recorded is taken for running, so that a lost event never speaks against the true offset: an exit
 * without an entry ran since the exit before, an entry without an exit until the next entry, and a `lost` record's
 * whole stretch counts.
 */
import { type Times, times } from './times.js'

/** Stretches that do not overlap, ascending. */
export interface Stretches {
  from: Float64Array
  to: Float64Array
}

export interface Thread {
  vcpu: number
  /** Interned; 0 is unknown. */
  vm: number
  /** Twice the time, and one more for an exit: so both stand in one list. */
  moments: Times
}

export function makeThread(vcpu: number, vm: number): Thread {
  return { vcpu, vm, moments: times() }
}

export function addMoment(thread: Thread, time: number, isExit: boolean): void {
  thread.moments.push(2 * time + (isExit ? 1 : 0))
}

export function stretchesOf(thread: Thread, losses: readonly [number, number][]): Stretches {
  const moments = thread.moments.sorted()
  const ran: [number, number][] = []
  let since = Math.floor((moments[0] ?? 0) / 2)
  let running = false
  for (const moment of moments) {
    const time = Math.floor(moment / 2)
    const isExit = moment % 2 !== 0
    if (isExit || running) ran.push([since, time])
    running = !isExit
    since = time
  }
  return merged([...ran, ...losses])
}

/** Overlapping stretches become one. */
export function merged(list: [number, number][]): Stretches {
  list.sort((a, b) => a[0] - b[0])
  const from = new Float64Array(list.length)
  const to = new Float64Array(list.length)
  let n = 0
  for (const [start, end] of list) {
    if (n > 0 && start <= (to[n - 1] as number)) {
      to[n - 1] = Math.max(to[n - 1] as number, end)
      continue
    }
    from[n] = start
    to[n++] = end
  }
  return { from: from.subarray(0, n), to: to.subarray(0, n) }
}
