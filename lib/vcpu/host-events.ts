/** The host's events that tell of vCPUs: sched_switch, sched_waking and its kin, kvm_entry, kvm_exit. */
import { CPU, EVENT, HAS_CPU, HAS_PID, PID } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'
import { type Member, memberName, type RecordView, type Scalar } from '../wire/record.js'
import type { Delays } from './delays.js'
import type { Task } from './runqueue.js'
import type { Vcpus } from './vcpus.js'

const kinds = ['sched_switch', 'sched_waking', 'sched_wakeup', 'sched_migrate_task', 'kvm_entry', 'kvm_exit'] as const
type Kind = (typeof kinds)[number]

const [prevPid, prevComm, prevState] = [memberName('prev_pid'), memberName('prev_comm'), memberName('prev_state')]
const prevPrio = memberName('prev_prio')
const [nextPid, nextComm, nextPrio] = [memberName('next_pid'), memberName('next_comm'), memberName('next_prio')]
const [pidOf, commOf, targetCpu] = [memberName('pid'), memberName('comm'), memberName('target_cpu')]
const [destCpu, vcpuId, vcpuOf] = [memberName('dest_cpu'), memberName('vcpu_id'), memberName('vcpu')]

export function hostScheduling(vcpus: Vcpus, delays: Delays): (record: RecordView, at: number, vm: number) => void {
  const known: (Kind | null | undefined)[] = []

  function kindOf(event: number): Kind | null {
    const kind = known[event]
    if (kind !== undefined) return kind
    const bare = nameOf(event).replace(/^.*:/, '')
    known[event] = kinds.find((one) => one === bare) ?? null
    return known[event]
  }

  function switched(record: RecordView, at: number): void {
    const [prev, next] = [integer(record.arg(prevPid)), integer(record.arg(nextPid))]
    if (prev === undefined || next === undefined || !record.has(HAS_CPU))
      throw new BadRecord(`${record.event} lacks prev_pid, next_pid or cpu`)
    vcpus.named(prev, () => textOf(record.arg(prevComm)))
    vcpus.named(next, () => textOf(record.arg(nextComm)))
    const taskOf = (pid: number, comm: Member, prio: Member): Task => ({
      pid,
      comm: textOf(record.arg(comm)) ?? '<...>',
      prio: integer(record.arg(prio)),
    })
    delays.switched(
      words[record.row + CPU] as number,
      at,
      prev,
      () => taskOf(prev, prevComm, prevPrio),
      isRunnable(record.arg(prevState)),
      taskOf(next, nextComm, nextPrio),
    )
  }

  function woken(record: RecordView, at: number, done: boolean): void {
    const [pid, cpu] = [integer(record.arg(pidOf)), integer(record.arg(targetCpu))]
    if (pid === undefined || cpu === undefined) throw new BadRecord(`${record.event} lacks pid or target_cpu`)
    vcpus.named(pid, () => textOf(record.arg(commOf)))
    if (!vcpus.of(pid)) return
    const waker = record.pid === undefined ? undefined : { pid: record.pid, comm: record.comm ?? '<...>' }
    delays.woken(pid, at, cpu, waker, done)
  }

  function migrated(record: RecordView, at: number): void {
    const [pid, cpu] = [integer(record.arg(pidOf)), integer(record.arg(destCpu))]
    if (pid === undefined || cpu === undefined) throw new BadRecord(`${record.event} lacks pid or dest_cpu`)
    if (vcpus.of(pid)) delays.migrated(pid, at, cpu)
  }

  function crossed(record: RecordView, at: number, entered: boolean): void {
    if (!record.has(HAS_PID)) throw new BadRecord(`${record.event} has no pid`)
    const pid = words[record.row + PID] as number
    const vcpu = integer(record.arg(vcpuId) ?? record.arg(vcpuOf))
    const thread = vcpus.of(pid) ?? (vcpu === undefined ? null : vcpus.enters(pid, vcpu))
    if (entered) thread?.presence.entry(at)
    else thread?.presence.exit(at)
  }

  return (record, at, vm) => {
    const kind = kindOf(words[record.row + EVENT] as number)
    if (vm !== 0 && record.has(HAS_PID)) {
      const thread = vcpus.of(words[record.row + PID] as number)
      if (thread) vcpus.concerns(thread, vm)
    }
    if (record.has(HAS_CPU) && record.has(HAS_PID))
      delays.seen(
        words[record.row + CPU] as number,
        at,
        words[record.row + PID] as number,
        () => record.comm ?? '<...>',
      )
    if (kind === 'sched_switch') switched(record, at)
    else if (kind === 'sched_waking' || kind === 'sched_wakeup') woken(record, at, kind === 'sched_wakeup')
    else if (kind === 'sched_migrate_task') migrated(record, at)
    else if (kind !== null) crossed(record, at, kind === 'kvm_entry')
  }
}

/** `R`, `R+`, or the number that is printed so: no bit below TASK_REPORT_MAX (include/trace/events/sched.h). */
function isRunnable(state: Scalar | undefined): boolean {
  if (typeof state === 'number') return (state & 0xff) === 0
  if (typeof state === 'bigint') return (state & 0xffn) === 0n
  if (typeof state !== 'string') return false
  return /^\d{1,20}$/.test(state) ? (BigInt(state) & 0xffn) === 0n : state.startsWith('R')
}

function integer(value: Scalar | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : undefined
}

function textOf(value: Scalar | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
