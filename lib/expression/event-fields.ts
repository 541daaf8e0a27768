/**
 * The fields of an event by name, for expressions: its own members (`cpu pid comm src event ts tsc flags vm
 * key`), `common_pid` as the kernel calls the thread that was running, and the fields of `args` by bare name
 * or, where they hide behind a member (`pid`, `comm`, `cpu`), as `args.pid`.
 */
import { HAS_TS, HAS_TSC } from '../assembly/layout.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'
import type { Getter, Value } from './field.js'

/** Where a line has a `ts` too, that is its time. */
const tsc = memberName('tsc')

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

/** Throws an Error where a name can be no field. */
export function eventField(name: string): Getter<RecordView> {
  const own = Object.hasOwn(members, name) ? members[name] : undefined
  if (own) return own
  if (name === 'args') throw new Error("'args' is all the fields; name one: args.irq")
  const member = memberName(name.replace(/^args\./, ''))
  return (record) => value(record.arg(member))
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
