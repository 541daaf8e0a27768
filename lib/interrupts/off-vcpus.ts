/**
 * Which vCPU of the host is which CPU of a guest, for irq-off: vCPU N is CPU N. A vCPU is known by the thread that enters
 * it, and by the `vm` of its events where they have one; without it by its number alone, which is enough for one guest.
 */
import { type Vcpu, vcpuWaits } from './waiting.js'

export interface OffVcpus {
  /** A guest has events; `told`: they carry its `vm`. */
  guest(src: number, told: boolean): void
  /** The only guest there is, where nothing tells guests apart. */
  onlyGuest(): number | undefined
  ofGuest(src: number, cpu: number): Vcpu | undefined
  /** The vCPU that an interrupt is for; null: of which guest is not known. `all`: each one that KVM has is recorded. */
  target(vm: number, vcpu: number, all: boolean): Vcpu | null
  /** The thread of a vCPU; null where it is not known. */
  thread(pid: number, vm: number, vcpu: number | undefined): Vcpu | null
  all(): Iterable<Vcpu>
  /** Every interrupt that KVM has for a vCPU is in the stream, and it is known for which. */
  readonly complete: boolean
  /** Two threads are the same vCPU: of two guests. */
  readonly ambiguous: boolean
  /** Events of vCPUs that are too many. */
  readonly beyond: number
}

const MAX_VCPUS = 4096

/** A number for each CPU of each machine. */
export function placeId(machine: number, cpu: number): number {
  return machine * 65536 + cpu
}

export function offVcpus(than: number): OffVcpus {
  const vcpus = new Map<number, Vcpu>()
  const threads = new Map<number, Vcpu>()
  const guests = new Set<number>()
  const untold = new Set<number>()
  /** Those of the threads that enter vCPUs. */
  const vms = new Set<number>()
  let ambiguous = false
  let unclear = false
  let accepting = false
  let beyond = 0

  function onlyGuest(): number | undefined {
    const [src] = untold
    return guests.size === 1 ? src : undefined
  }

  function onlyVm(): number | undefined {
    const [vm] = vms
    return vms.size === 1 ? vm : undefined
  }

  function vcpuIn(vm: number, vcpu: number): Vcpu | null {
    const known = vcpus.get(placeId(vm, vcpu))
    if (known) return known
    if (vcpus.size === MAX_VCPUS) {
      beyond++
      return null
    }
    const made = vcpuWaits(vm, vcpu, than)
    vcpus.set(placeId(vm, vcpu), made)
    return made
  }

  return {
    get complete() {
      return accepting && !unclear
    },
    get ambiguous() {
      return ambiguous
    },
    get beyond() {
      return beyond
    },
    guest(src, told) {
      guests.add(src)
      if (!told) untold.add(src)
    },
    onlyGuest,
    ofGuest(src, cpu) {
      if (ambiguous) return undefined
      return vcpus.get(placeId(src, cpu)) ?? (onlyGuest() === src ? vcpus.get(placeId(onlyVm() ?? 0, cpu)) : undefined)
    },
    target(vm, vcpu, all) {
      accepting = all
      if (vm === 0 && vms.size > 1) unclear = true
      const of = vm || onlyVm()
      return of === undefined ? null : vcpuIn(of, vcpu)
    },
    thread(pid, vm, vcpu) {
      const known = threads.get(pid)
      if (known && (vcpu === undefined || known.vcpu === vcpu)) return known
      if (vcpu === undefined) return null
      const made = vcpuIn(vm, vcpu)
      if (made === null) return null
      if ([...threads.values()].includes(made)) ambiguous = true
      threads.set(pid, made)
      vms.add(vm)
      return made
    },
    all: () => vcpus.values(),
  }
}
