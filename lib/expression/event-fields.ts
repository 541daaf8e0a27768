/**
 * The fields of an event by name, for expressions: its own members (`cpu pid comm src event ts tsc flags vm
 * key`), `common_pid` as the kernel calls the thread that was running, and the fields of `args` by bare name
 * or, where they hide behind a member (`pid`, `comm`, `cpu`), as `args.pid`. And names of what the kernel numbers:
 * `syscall` (x86-64; `syscall_arm64`) of raw_syscalls:sys_enter and sys_exit, `exit_name` of kvm:kvm_exit.
 */
import { HAS_TS, HAS_TSC } from '../assembly/layout.js'
import { type Architecture, systemCall } from '../kernel/system-calls.js'
import { exitReason } from '../kvm/exit-reasons.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'
import type { Getter, Value } from './field.js'

/** Where a line has a `ts` too, that is its time. */
const tsc = memberName('tsc')
const exit_reason = memberName('exit_reason')
const isa = memberName('isa')

const members: Record<string, Getter<RecordView>> = {
  cpu: (record) => record.cpu,
  pid: (record) => record.pid,
  common_pid: (record) => record.pid,
  comm: (record) => record.comm,
  src: (record) => record.src || undefined,
  vm: (record) => record.vm || undefined,
  event: (record) => record.event || undefined,
  flags: (record) => record.flags,
  text: (record) => record.text,
  key: (record) => value(record.key),
  ts: (record) => (record.has(HAS_TS) ? narrow(record.time) : undefined),
  tsc: (record) => (record.has(HAS_TSC) ? narrow(BigInt.asUintN(64, record.time ?? 0n)) : value(record.member(tsc))),
}

/** Fields that no record has. */
const named: Record<string, Getter<RecordView>> = {
  syscall: systemCallName('x86_64'),
  syscall_arm64: systemCallName('arm64'),
  exit_name: exitName,
}

/** Throws an Error where a name can be no field. */
export function eventField(name: string): Getter<RecordView> {
  const own = Object.hasOwn(members, name) ? members[name] : undefined
  if (own) return own
  if (name === 'args') throw new Error("'args' is all the fields; name one: args.irq")
  const member = memberName(name.replace(/^args\./, ''))
  const get: Getter<RecordView> = (record) => value(record.arg(member))
  const derived = Object.hasOwn(named, name) ? named[name] : undefined
  return derived ? (record) => get(record) ?? derived(record) : get
}

/** A number that has no name stands for itself. Other events have an `id` too. */
function systemCallName(architecture: Architecture): Getter<RecordView> {
  const id = memberName('id')
  return (record) => {
    const number = /\bsys_(enter|exit)$/.test(record.event) ? integer(record.arg(id)) : undefined
    return number === undefined ? undefined : (systemCall(number, architecture) ?? String(number))
  }
}

/** Text has the name already; what was captured has the number. */
function exitName(record: RecordView): Value | undefined {
  const reason = record.arg(exit_reason)
  const number = integer(reason)
  if (number === undefined) return value(reason)
  return exitReason(number, integer(record.arg(isa)) ?? 0) ?? String(number)
}

/** Integers below 2^53, also those that travel as text. */
function integer(scalar: Scalar | undefined): number | undefined {
  const number = typeof scalar === 'string' && /^-?\d{1,15}$/.test(scalar) ? Number(scalar) : scalar
  return Number.isSafeInteger(number) ? (number as number) : undefined
}

/** A bool counts as 0 or 1; null is no value. */
function value(scalar: Scalar | undefined): Value | undefined {
  if (typeof scalar === 'boolean') return scalar ? 1 : 0
  return scalar === null ? undefined : scalar
}

function narrow(time: bigint | undefined): Value | undefined {
  if (time === undefined) return undefined
  const signed = BigInt.asIntN(64, time)
  const integer = time >= 0n ? time : signed
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
