/** What is added up over all delays: by vCPU, by the task of the guest, by who ran instead. And the longest ones. */
import { type Histogram, histogram } from '../statistics/histogram.js'
import type { Delay } from './delays.js'
import type { Share } from './runqueue.js'
import type { GuestTask, VcpuThread } from './vcpus.js'

export interface VcpuDelay extends Delay {
  thread: VcpuThread
  guest: GuestTask | undefined
}

export interface VcpuRow {
  thread: VcpuThread
  preempted: number
  delays: Histogram
}

export interface GuestRow {
  thread: VcpuThread
  /** undefined: not known. */
  guest: GuestTask | undefined
  delays: Histogram
}

export interface RanRow extends Share {
  delays: number
}

export interface Totals {
  add(delay: VcpuDelay): void
  vcpus(): VcpuRow[]
  guests(): GuestRow[]
  ran(): RanRow[]
  /** The longest first. */
  worst(): VcpuDelay[]
}

/** So many tasks are told apart; the time of others is one row. */
const MAX_TASKS = 10_000

export function totals(worstKept: number): Totals {
  const vcpus = new Map<number, VcpuRow>()
  const guests = new Map<string, GuestRow>()
  const ran = new Map<number, RanRow>()
  let worst: VcpuDelay[] = []

  function addGuest({ thread, guest }: VcpuDelay, ns: number): void {
    const id = `${thread.pid} ${guest?.src} ${guest?.pid}`
    const known = guests.get(id)
    const row = known ?? (guests.size < MAX_TASKS ? { thread, guest, delays: histogram() } : others(thread))
    if (!known) guests.set(id, row)
    row.delays.record(ns)
  }

  function others(thread: VcpuThread): GuestRow {
    const id = `${thread.pid} others`
    const row = guests.get(id) ?? {
      thread,
      guest: { src: 0, cpu: 0, pid: -2, comm: 'others' },
      delays: histogram(),
    }
    guests.set(id, row)
    return row
  }

  function addRan(share: Share): void {
    const id = ran.has(share.pid) || ran.size < MAX_TASKS ? share.pid : -2
    const row = ran.get(id)
    if (!row) {
      ran.set(id, { ...share, pid: id, comm: id === -2 ? 'others' : share.comm, delays: 1 })
      return
    }
    row.ns += share.ns
    row.delays++
  }

  return {
    add(delay) {
      const ns = delay.end - delay.start
      const { thread } = delay
      const row = vcpus.get(thread.pid) ?? { thread, preempted: 0, delays: histogram() }
      vcpus.set(thread.pid, row)
      row.delays.record(ns)
      if (delay.cause === 'preempted') row.preempted++
      addGuest(delay, ns)
      for (const share of delay.ran) addRan(share)
      const last = worst.at(-1)
      if (worstKept === 0 || (worst.length >= worstKept && last && last.end - last.start >= ns)) return
      worst = [...worst, delay].sort((a, b) => b.end - b.start - (a.end - a.start)).slice(0, worstKept)
    },
    vcpus: () => [...vcpus.values()].sort((a, b) => a.thread.vm - b.thread.vm || a.thread.vcpu - b.thread.vcpu),
    guests: () => [...guests.values()].sort((a, b) => Number(b.delays.total - a.delays.total)),
    ran: () => [...ran.values()].sort((a, b) => b.ns - a.ns),
    worst: () => worst,
  }
}
