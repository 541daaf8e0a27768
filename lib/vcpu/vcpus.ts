/**
 * The vCPUs of a host's guests: which thread is which. QEMU names them `CPU 0/KVM`, each kvm_entry says which vCPU its
 * thread enters, or the user says it. A guest's CPU N is its vCPU N; where nothing says of which guest a vCPU is, and
 * there is only one guest in the stream, it is of that one.
 */
import { type Presence, presence } from './presence.js'

export interface GuestTask {
  src: number
  cpu: number
  pid: number
  comm: string
}

export interface VcpuThread {
  readonly pid: number
  readonly vcpu: number
  /** The guest, interned; 0 is not known. */
  readonly vm: number
  readonly presence: Presence
}

export interface Vcpus {
  /** A thread that is a vCPU, or null. */
  of(pid: number): VcpuThread | null
  /** A thread's name was seen; looked at once. */
  named(pid: number, comm: () => string | undefined): void
  /** It entered this vCPU. */
  enters(pid: number, vcpu: number): VcpuThread | null
  /** Its guest, as an event of it says. */
  concerns(thread: VcpuThread, vm: number): void
  /** The vCPU that a guest's CPU is, or null. */
  ofGuest(src: number, cpu: number): VcpuThread | null
  /** Which task is current there; `told`: the events of this guest carry their `vm`. */
  runs(src: number, cpu: number, told: boolean, pid: number, comm: () => string): void
  /** It is not known any more. */
  forget(src: number, cpu: number | undefined): void
  guestTask(thread: VcpuThread): GuestTask | undefined
  all(): VcpuThread[]
  /** Two threads are the same vCPU: of two guests. */
  readonly ambiguous: boolean
}

interface Made extends VcpuThread {
  vm: number
}

const MAX_THREADS = 65536
const MAX_CPUS = 16384

/** `given`: the only threads that are vCPUs, if any. */
export function vcpuThreads(given: ReadonlyMap<number, number>): Vcpus {
  const threads = new Map<number, Made | null>()
  const tasks = new Map<number, GuestTask>()
  const guests = new Set<number>()
  /** Of these nothing says which vm they are. */
  const untold = new Set<number>()
  let ambiguous = false
  /** By guest and vCPU; found anew when threads are. */
  let places: Map<number, VcpuThread> | null = null
  /** The vm of all threads; undefined: of several. */
  let onlyVm: number | undefined

  /** The only guest there is, where nothing tells guests apart. */
  function only(): number | undefined {
    const [src] = untold
    return guests.size === 1 && !ambiguous ? src : undefined
  }

  const idOf = (src: number, cpu: number) => src * 65536 + cpu
  const own = () => [...threads.values()].filter((thread) => thread !== null)

  function make(pid: number, vcpu: number): VcpuThread {
    const made = { pid, vcpu, vm: 0, presence: presence() }
    threads.set(pid, made)
    places = null
    return made
  }

  function placed(): Map<number, VcpuThread> {
    if (places) return places
    places = new Map()
    ambiguous = false
    const vms = new Set(own().map(({ vm }) => vm))
    onlyVm = vms.size === 1 ? [...vms][0] : undefined
    for (const thread of own()) {
      const id = idOf(thread.vm, thread.vcpu)
      if (places.has(id)) ambiguous = true
      places.set(id, thread)
    }
    return places
  }

  for (const [pid, vcpu] of given) make(pid, vcpu)

  return {
    get ambiguous() {
      placed()
      return ambiguous && guests.size > 0
    },
    of: (pid) => threads.get(pid) ?? null,
    named(pid, comm) {
      if (given.size > 0 || threads.has(pid)) return
      if (threads.size >= MAX_THREADS) for (const [other, thread] of threads) if (!thread) threads.delete(other)
      const [, number] = /^CPU (\d{1,5})\/KVM$/.exec(comm() ?? '') ?? []
      if (number !== undefined) make(pid, Number(number))
      else if (threads.size < MAX_THREADS) threads.set(pid, null)
    },
    enters(pid, vcpu) {
      const known = threads.get(pid)
      if (known || given.size > 0) return known ?? null
      return threads.size < MAX_THREADS ? make(pid, vcpu) : null
    },
    concerns({ pid }, vm) {
      const thread = threads.get(pid)
      if (!thread || thread.vm === vm) return
      thread.vm = vm
      places = null
    },
    ofGuest(src, cpu) {
      const by = placed()
      if (ambiguous) return null
      return by.get(idOf(src, cpu)) ?? (only() === src ? by.get(idOf(onlyVm ?? 0, cpu)) : undefined) ?? null
    },
    runs(src, cpu, told, pid, comm) {
      const id = idOf(src, cpu)
      const known = tasks.get(id)
      if (known?.pid === pid) return
      if (!known && tasks.size === MAX_CPUS) return
      guests.add(src)
      if (!told) untold.add(src)
      tasks.set(id, { src, cpu, pid, comm: pid === 0 ? `swapper/${cpu}` : comm() })
    },
    forget(src, cpu) {
      for (const [id, task] of tasks)
        if ((src === 0 || task.src === src) && (cpu === undefined || task.cpu === cpu)) tasks.delete(id)
    },
    guestTask({ vm, vcpu }) {
      placed()
      const src = vm === onlyVm ? only() : undefined
      return tasks.get(idOf(vm, vcpu)) ?? (src === undefined ? undefined : tasks.get(idOf(src, vcpu)))
    },
    all: own,
  }
}
