/**
 * The MSI that the host injects: `kvm:kvm_msi_set_irq` (include/trace/events/kvm.h), for x86. A binary recording has
 * the message itself, text what the kernel prints of it (the destination in hexadecimal, since Linux 4.8):
 *
 *     address 0xfee01000, data 0x4028      dst 1 vec 40 (Fixed|physical|edge)
 *
 * Destination: address bits 12-19, and above 8 bits those from 40 on; bit 2: it is a mask of CPUs, not an APIC id.
 * Vector: data bits 0-7. Bits 8-10 other than 0 and 1 (SMI, NMI, INIT) are no interrupts of a device.
 */
import { memberName, type RecordView, type Scalar } from '../wire/record.js'

export interface MsiEvent {
  /** An APIC id; with `logical` the number of a CPU. */
  destination: number
  logical: boolean
  vector: number
}

const [address, data, dst, vec, destMode, deliveryMode] = [
  'address',
  'data',
  'dst',
  'vec',
  'dest_mode',
  'delivery_mode',
].map(memberName) as [Member, Member, Member, Member, Member, Member]

type Member = ReturnType<typeof memberName>

/** 'other': the message is of no single CPU, or no interrupt of a device. Undefined: the event does not say. */
export function msiOfEvent(record: RecordView): MsiEvent | 'other' | undefined {
  const message = integer(record.arg(address))
  const content = integer(record.arg(data))
  if (message !== undefined && content !== undefined) {
    const to = Number(((message >> 12n) & 0xffn) | ((message >> 32n) & 0xffffff00n))
    return (content & 0x600n) !== 0n ? 'other' : placed(to, (message & 4n) !== 0n, Number(content & 0xffn))
  }
  const to = record.arg(dst)
  const vector = integer(record.arg(vec))
  if (vector === undefined || !/^[0-9a-f]{1,8}$/.test(String(to))) return undefined
  const delivery = record.arg(deliveryMode) ?? 'Fixed'
  if (delivery !== 'Fixed' && delivery !== 'LowPrio') return 'other'
  return placed(Number.parseInt(String(to), 16), record.arg(destMode) === 'logical', Number(vector))
}

/** In the flat logical mode, that of up to eight CPUs, a destination is a bit for each. */
function placed(to: number, logical: boolean, vector: number): MsiEvent | 'other' {
  if (!logical) return { destination: to, logical, vector }
  const cpu = Math.log2(to)
  return Number.isInteger(cpu) && cpu < 8 ? { destination: cpu, logical, vector } : 'other'
}

function integer(value: Scalar | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^(?:\d{1,20}|0x[0-9a-f]{1,16})$/i.test(value) ? BigInt(value) : undefined
}
