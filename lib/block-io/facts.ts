/**
 * Facts: what an event says of block I/O, taken out of its record, so that it can be kept.
 *
 * A request: `block:block_rq_issue` and `block_rq_complete` (include/trace/events/block.h), sectors of 512 bytes. A
 * kick: the write with which a guest's driver tells the host of a virtqueue (`kvm_mmio`, `kvm_fast_mmio` on Intel,
 * `kvm_pio` for a legacy device): the address is the queue's or the device's, the value the queue's index (virtio 1.2,
 * 4.1.5.2). The host's I/O: pread, pwrite and their kin, from `sys_enter` to `sys_exit`.
 */
import { CPU, EVENT, HAS_CPU, HAS_PID, HAS_TS, PID, SRC, VM } from '../assembly/layout.js'
import { type Stamp, stampOf } from '../chain/open-path.js'
import { BadRecord } from '../cli/tool.js'
import { type MsiEvent, msiOfEvent } from '../interrupts/msi-event.js'
import { matches } from '../pairing/hops.js'
import { words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'

/** What a request is about; `op` is R, W, F, D: what it does, without how. */
export interface Extent {
  /** `254,0` */
  dev: string
  sector: bigint
  sectors: number
  op: string
  rwbs: string
}

interface Says {
  stamp: Stamp
  /** Interned: which guest an event of the host concerns; 0 where it does not say. */
  vm: number
}

export interface Wake {
  pid: number
  waking: Stamp
  run: Stamp | undefined
}

/** A write that tells the host of a queue, and whom it woke. */
export interface Kick {
  stamp: Stamp
  wakes: Wake[]
  /** Without kvm_entry events of its thread nobody knows whether a wake-up was still of this write. */
  bounded: boolean
}

export type RequestFact = Says & { is: 'issue' | 'complete' | 'requeue'; extent: Extent; cpu: number }
export type Handler = Says & { is: 'handler'; irq: number; name: string; cpu: number }
export type Handled = Says & { is: 'handled'; cpu: number }
export type KickFact = Says & {
  is: 'kick'
  address: string
  index: number | undefined
  vcpu: number | undefined
  /** kicks.ts fills it. */
  kick: Kick
}
export type Entry = Says & { is: 'entry' }
export type Waking = Says & { is: 'waking'; woken: number }
export type Switch = Says & { is: 'switch'; to: number }
export type CallBegin = Says & { is: 'call'; offset: bigint; op: string }
export type CallEnd = Says & { is: 'return'; bytes: bigint }
export type HostDisk = Says & { is: 'host_issue' | 'host_complete'; extent: Extent }
export type Injection = Says & { is: 'msi'; msi: MsiEvent }

/** Of the guest; all others are of the host. */
export type GuestFact = RequestFact | Handler | Handled
export type HostFact = KickFact | Entry | Waking | Switch | CallBegin | CallEnd | HostDisk | Injection
export type Fact = GuestFact | HostFact

/** Undefined: the event says nothing of block I/O. */
export type Reader = (record: RecordView) => Fact | undefined

const [address, port] = [memberName('gpa'), memberName('port')]
const [value, kind, out] = [memberName('val'), memberName('type'), memberName('rw')]
const [irq, name, pid, nextPid, vcpuId] = [
  memberName('irq'),
  memberName('name'),
  memberName('pid'),
  memberName('next_pid'),
  memberName('vcpu_id'),
]
const [dev, sector, sectors, rwbs] = ['dev', 'sector', 'nr_sector', 'rwbs'].map(memberName) as [Name, Name, Name, Name]
const [pos, posLow, ret] = [memberName('pos'), memberName('pos_l'), memberName('ret')]

type Name = ReturnType<typeof memberName>

/** KVM_TRACE_MMIO_WRITE (include/trace/events/kvm.h) */
const MMIO_WRITE = 2
/** virtqueue index in the low half; the upper one may hold the place in the ring (VIRTIO_F_NOTIFICATION_DATA) */
const INDEX = 0xffff

/** `host`: the src of the host's events; all others are guests'. */
export function factReader(host: string): Reader {
  const hostId = idOf(host)
  const readers: (((record: RecordView) => Fact | undefined) | null)[][] = [[], []]
  /** Which vCPU a thread is, as `kvm_entry` tells. */
  const vcpus = new Map<number, number>()

  function vcpuOf(record: RecordView): number | undefined {
    const known = vcpus.get(record.pid ?? -1)
    if (known !== undefined) return known
    const [, named] = /^CPU (\d{1,5})\/KVM$/.exec(record.comm ?? '') ?? []
    return named === undefined ? undefined : Number(named)
  }

  function entry(record: RecordView): Fact {
    const thread = words[record.row + PID] as number
    if (record.has(HAS_PID) && !vcpus.has(thread)) {
      const vcpu = record.arg(vcpuId)
      if (typeof vcpu === 'number') vcpus.set(thread, vcpu)
    }
    return { is: 'entry', ...ofThread(record) }
  }

  const ofHost: Record<string, (record: RecordView) => Fact | undefined> = {
    kvm_mmio: (record) => (record.arg(kind) === MMIO_WRITE ? kick(record, address, vcpuOf(record)) : undefined),
    kvm_fast_mmio: (record) => kick(record, address, vcpuOf(record)),
    kvm_pio: (record) => (record.arg(out) === 1 ? kick(record, port, vcpuOf(record)) : undefined),
    kvm_entry: entry,
    sched_waking: (record) => ({ is: 'waking', ...ofThread(record), woken: numberOf(record, pid, 'pid') }),
    sched_switch: (record) => ({ is: 'switch', ...says(record), to: numberOf(record, nextPid, 'next_pid') }),
    kvm_msi_set_irq: injection,
    block_rq_issue: (record) => ({ is: 'host_issue', ...says(record), extent: extentOf(record) }),
    block_rq_complete: (record) => ({ is: 'host_complete', ...says(record), extent: extentOf(record) }),
    ...calls('pread64', 'R', pos),
    ...calls('preadv', 'R', posLow),
    ...calls('preadv2', 'R', posLow),
    ...calls('pwrite64', 'W', pos),
    ...calls('pwritev', 'W', posLow),
    ...calls('pwritev2', 'W', posLow),
  }
  const ofGuest: typeof ofHost = {
    block_rq_issue: (record) => request('issue', record),
    block_rq_complete: (record) => request('complete', record),
    block_rq_requeue: (record) => request('requeue', record),
    irq_handler_entry: (record) => {
      const called = record.arg(name)
      const about = { irq: numberOf(record, irq, 'irq'), name: typeof called === 'string' ? called : '' }
      return { is: 'handler', ...says(record), cpu: cpuOf(record), ...about }
    },
    irq_handler_exit: (record) => ({ is: 'handled', ...says(record), cpu: cpuOf(record) }),
  }

  function readerFor(own: boolean, event: number): ((record: RecordView) => Fact | undefined) | null {
    const known = readers[own ? 1 : 0] as (typeof readers)[0]
    const found = known[event]
    if (found !== undefined) return found
    const [, read = null] = Object.entries(own ? ofHost : ofGuest).find(([of]) => matches(of, nameOf(event))) ?? []
    known[event] = read
    return read
  }

  return (record) => {
    const src = words[record.row + SRC] as number
    const read = readerFor(src === hostId, words[record.row + EVENT] as number)
    if (read === null) return undefined
    if (src === 0) throw new BadRecord(`${record.event} has no src`)
    if (!record.has(HAS_TS)) throw new BadRecord(`${record.event} has no ts; tsc-align makes one`)
    return read(record)
  }
}

/** What is told apart by the thread that it happens in. */
function ofThread(record: RecordView): Says {
  if (!record.has(HAS_PID)) throw new BadRecord(`${record.event} has no pid`)
  return says(record)
}

function says(record: RecordView): Says {
  return { stamp: stampOf(record), vm: words[record.row + VM] as number }
}

function request(is: RequestFact['is'], record: RecordView): RequestFact {
  return { is, ...says(record), extent: extentOf(record), cpu: cpuOf(record) }
}

/** A kick is as often anything else that a guest writes to a device: whoever knows the queues' addresses says. */
function kick(record: RecordView, where: Name, vcpu: number | undefined): KickFact | undefined {
  const to = integer(record.arg(where))
  if (to === undefined) return undefined
  const written = integer(record.arg(value))
  const index = written === undefined ? undefined : Number(written & BigInt(INDEX))
  const by = says(record)
  return {
    is: 'kick',
    ...by,
    address: `0x${to.toString(16)}`,
    index,
    vcpu,
    kick: { stamp: by.stamp, wakes: [], bounded: false },
  }
}

function injection(record: RecordView): Injection | undefined {
  const msi = msiOfEvent(record)
  if (msi === undefined) throw new BadRecord(`${record.event} has neither address and data nor dst and vec`)
  return msi === 'other' ? undefined : { is: 'msi', ...says(record), msi }
}

/** A system call that reads or writes at an offset, where it is entered and left. */
function calls(call: string, op: string, where: Name): Record<string, (record: RecordView) => Fact | undefined> {
  return {
    [`sys_enter_${call}`]: (record) => {
      const offset = integer(record.arg(where))
      if (offset === undefined) throw new BadRecord(`${record.event} has no offset`)
      return { is: 'call', ...ofThread(record), offset, op }
    },
    [`sys_exit_${call}`]: (record) => {
      const bytes = integer(record.arg(ret))
      if (bytes === undefined) throw new BadRecord(`${record.event} has no ret`)
      return { is: 'return', ...ofThread(record), bytes: BigInt.asIntN(64, bytes) }
    },
  }
}

function extentOf(record: RecordView): Extent {
  const device = devText(record.arg(dev))
  const from = integer(record.arg(sector))
  const count = record.arg(sectors)
  const how = record.arg(rwbs)
  if (device === undefined || from === undefined || typeof count !== 'number' || typeof how !== 'string')
    throw new BadRecord(`${record.event} lacks dev, sector, nr_sector or rwbs`)
  return { dev: device, sector: from, sectors: count, op: opOf(how), rwbs: how.slice(0, 8) }
}

/** `RS` is a read, `FWS` a write after a flush, `FF` and `F` a flush (blk_fill_rwbs, kernel/trace/blktrace.c). */
function opOf(how: string): string {
  const op = how.length > 1 && how.startsWith('F') ? how[1] : how[0]
  return op ?? ''
}

/** A dev_t: 20 bits of minor. */
function devText(from: unknown): string | undefined {
  if (typeof from === 'string') return /^\d{1,4},\d{1,7}$/.test(from) ? from : undefined
  return Number.isSafeInteger(from) ? `${(from as number) >>> 20},${(from as number) & 0xfffff}` : undefined
}

function cpuOf(record: RecordView): number {
  if (!record.has(HAS_CPU)) throw new BadRecord(`${record.event} has no cpu`)
  return words[record.row + CPU] as number
}

function numberOf(record: RecordView, member: Name, called: string): number {
  const found = record.arg(member)
  if (typeof found !== 'number') throw new BadRecord(`${record.event} has no ${called}`)
  return found
}

function integer(from: unknown): bigint | undefined {
  if (typeof from === 'bigint') return from
  if (typeof from === 'number') return Number.isSafeInteger(from) ? BigInt(from) : undefined
  return typeof from === 'string' && /^-?\d{1,20}$/.test(from) ? BigInt(from) : undefined
}
