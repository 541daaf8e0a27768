/**
 * The clocks of a host and one guest, as KVM has them now: of whose events which are moved, and by what.
 *
 * The host's events move to the guest's timeline, or (inverse) the guest's to the host's; those of the other machine
 * only become nanoseconds. KVM is asked at the start, and then about every second: an offset that has changed
 * without a kvm_write_tsc_offset in the stream is taken when it is seen a second time, as the stream may be behind.
 */
import { type Context, Failure } from '../cli/tool.js'
import { findVm, type Roots, type VcpuState, type Vm } from '../kvm/vm.js'
import { kernelTscKhz } from '../tracefs/clock.js'
import { readKernelLog } from '../tracefs/kernel-log.js'
import { idOf, nameOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'
import { clocksOf, type LiveClocks } from './clocks.js'
import { type Following, following } from './follow.js'
import { vmFrequency } from './frequency.js'
import type { Rate } from './machine-clock.js'

export interface VmOptions {
  /** A pid, or a guest's name. */
  vm: string
  /** The host's src; with `inverse`, the guest's (undefined: the only one beside `host`). */
  src: string | undefined
  inverse: boolean
  cycles: boolean
  rate: Rate | undefined
  roots?: Roots
  /** The frequency that this machine's kernel tells. */
  kernelKhz?(): number | undefined
  /** ms; for tests. */
  now?(): number
}

export interface VmClocks {
  clocks: LiveClocks
  following: Following
  /** To be called now and then: KVM is asked again. */
  look(): void
  /** Whose events were moved, and by what. */
  said(): string
}

const LOOK_MS = 1000

export function vmClocks(options: VmOptions, { warn }: Pick<Context, 'warn'>): VmClocks {
  const { inverse, cycles, src } = options
  const vm = findVm(options.vm, options.roots)
  const vcpus = vm.vcpus() ?? []
  const [first] = vcpus
  if (!first) throw new Failure(`--vm ${options.vm}: the guest has just ended`)
  const sides = sidesOf(options)
  const fracBits = vcpus.find((vcpu) => vcpu.fracBits !== undefined)?.fracBits
  // 1.0 has to be said where another vCPU has another ratio
  const ratioOf = (own: VcpuState) => own.ratio ?? (fracBits === undefined ? undefined : 1n << BigInt(fracBits))
  const ratio = ratioOf(first)
  const clocks = clocksOf({
    src,
    inverse,
    cycles,
    offset: first.offset,
    ratio,
    fracBits,
    rate: undefined,
    vcpus: vcpus.map((own) => ({ vcpu: own.vcpu, offset: own.offset, ratio: ratioOf(own) })),
    threads: new Map(vcpus.flatMap(({ vcpu, pid }) => (pid === undefined ? [] : [[pid, vcpu]]))),
    commonVcpu: first.vcpu,
    moves: sides.moves,
    frequency: vmFrequency({
      given: options.rate,
      inverse,
      scale: ratio === undefined ? undefined : { ratio, fracBits: fracBits as number },
      isHost: sides.isHost,
      kernelKhz: options.kernelKhz ?? (() => kernelTscKhz(readKernelLog())),
      warn,
    }),
  })
  tellDifferences(vcpus, inverse, warn)
  const who = `${vm.name === '' ? '' : `${vm.name}, `}process ${vm.pid}`
  return {
    clocks,
    following: following(clocks, { isHost: sides.isHost, isOwn: (record) => isOwn(record, vm) }),
    look: looking(vm, clocks, sides, options.now ?? performance.now.bind(performance), (message) =>
      warn(`${who}: ${message}`),
    ),
    said() {
      const by = sides.moved === '' ? 'none to be moved' : `${sides.moved} by ${clocks.offset(first.vcpu)} cycles`
      return `${by} (${who})`
    },
  }
}

interface Sides {
  isHost(src: number): boolean
  moves(src: number): boolean
  /** The src that was moved, once there was one. */
  readonly moved: string
}

/** Which src is the host, and which the guest: of two guests one would have the other's time. */
function sidesOf({ src, inverse }: VmOptions): Sides {
  const host = idOf(inverse || src === undefined ? 'host' : src)
  let guest = inverse && src !== undefined ? idOf(src) : 0
  let moved = ''
  return {
    get moved() {
      return moved
    },
    isHost: (id) => id === host,
    moves(id) {
      if (id !== host && id !== guest) {
        if (guest !== 0)
          throw new Failure(`events of ${nameOf(guest)} and of ${nameOf(id)}: --vm is of one guest; say --src`)
        guest = id
      }
      const moves = (id === host) !== inverse
      if (moves) moved = nameOf(id)
      return moves
    },
  }
}

/** By its thread; by its `vm` where the thread is gone. */
function isOwn(record: RecordView, vm: Vm): boolean {
  const { pid } = record
  const owns = pid === undefined ? undefined : vm.owns(pid)
  return owns ?? (vm.name !== '' && record.vm === vm.name)
}

function tellDifferences(vcpus: readonly VcpuState[], inverse: boolean, warn: (message: string) => void): void {
  const [first] = vcpus
  if (!first || vcpus.every(({ offset, ratio }) => offset === first.offset && ratio === first.ratio)) return
  warn(`the vCPUs differ: ${vcpus.map(shown).join(', ')}; events of no vCPU have what vCPU ${first.vcpu} has`)
  const unknown = inverse ? [] : vcpus.filter(({ pid }) => pid === undefined)
  if (unknown.length > 0) warn(`the threads of vCPU ${unknown.map(({ vcpu }) => vcpu).join(', ')} are not known`)
}

function shown({ vcpu, offset, ratio }: VcpuState): string {
  return `${vcpu} ${offset}${ratio === undefined ? '' : ` * ${ratio}`}`
}

/** Once a second. The stream itself may still tell of a change, and when it was: it has until the next look. */
function looking(
  vm: Vm,
  clocks: LiveClocks,
  sides: Sides,
  now: () => number,
  warn: (message: string) => void,
): () => void {
  const seen = new Map<number, bigint>()
  let next = now() + LOOK_MS
  let ended = false

  function lookAt({ vcpu, pid, offset }: VcpuState): void {
    if (pid !== undefined) clocks.threads.set(pid, vcpu)
    const known = clocks.offset(vcpu)
    if (known === offset) seen.delete(vcpu)
    else if (known === undefined) clocks.change({ vcpu, offset })
    else if (seen.get(vcpu) !== offset) seen.set(vcpu, offset)
    else {
      clocks.change({ vcpu, offset })
      warn(
        `the offset of vCPU ${vcpu} has changed from ${known} to ${offset}, some seconds ago; kvm:kvm_write_tsc_offset in the stream would say when`,
      )
    }
  }

  return () => {
    if (ended || sides.moved === '' || now() < next) return
    next = now() + LOOK_MS
    const vcpus = vm.vcpus()
    if (vcpus) vcpus.forEach(lookAt)
    else {
      ended = true
      warn('the guest has ended; its last offsets stay')
    }
  }
}
