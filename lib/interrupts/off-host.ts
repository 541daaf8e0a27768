/** The host's events, to the vCPUs they are of: a vCPU is known by the thread that enters it, and by its APIC id. */
import { HAS_PID, PID } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'
import { msiOfEvent } from './msi-event.js'
import type { Off } from './off.js'
import type { Kind } from './off-kinds.js'
import type { Vcpu } from './waiting.js'

const names = ['vcpu_id', 'vcpu', 'exit_reason', 'isa', 'vector', 'irq', 'reinjected', 'apicid', 'vec'] as const
const [vcpuId, vcpu, exitReason, isa, vector, irq, reinjected, apicid, vec] = names.map(memberName) as Members

type Member = ReturnType<typeof memberName>
type Members = [Member, Member, Member, Member, Member, Member, Member, Member, Member]

/** Answers whether the event was one of KVM's that are heard. `vm`: interned, 0 where not known. */
export function hostEvents(off: Off): (record: RecordView, kind: Kind, at: number, vm: number) => boolean {
  let accepting = false

  function ofThread(record: RecordView, vm: number): Vcpu | null {
    if (!record.has(HAS_PID)) return null
    const said = number(record.arg(vcpuId) ?? record.arg(vcpu))
    return off.vcpus.thread(words[record.row + PID] as number, vm, said)
  }

  return (record, kind, at, vm) => {
    switch (kind) {
      case 'kvm_entry': {
        const entered = ofThread(record, vm)
        entered?.entry(at)
        if (entered) off.sweep(entered, at)
        return true
      }
      case 'kvm_exit':
        ofThread(record, vm)?.exit(at, isHalt(record))
        return true
      case 'kvm_inj_virq': {
        const injected = number(record.arg(vector) ?? record.arg(irq))
        if (injected !== undefined && !record.arg(reinjected)) ofThread(record, vm)?.inject(injected, at)
        return true
      }
      case 'kvm_apic_accept_irq': {
        accepting = true
        const [to, what] = [number(record.arg(apicid)), number(record.arg(vec))]
        if (to !== undefined && what !== undefined) off.vcpus.target(vm, to, true)?.accept(what, at)
        return true
      }
      case 'kvm_msi_set_irq': {
        // where KVM's own word on it is recorded, that is nearer
        const msi = accepting ? undefined : msiOfEvent(record)
        if (msi && msi !== 'other' && msi.destination < 65536)
          off.vcpus.target(vm, msi.destination, false)?.accept(msi.vector, at)
        return true
      }
      default:
        return false
    }
  }
}

/** As text has it, or by number: EXIT_REASON_HLT 12 of VMX (isa 1), SVM_EXIT_HLT 0x78 of SVM (isa 2). */
function isHalt(record: RecordView): boolean {
  const reason = record.arg(exitReason)
  if (typeof reason === 'string') return reason.toLowerCase() === 'hlt'
  const which = record.arg(isa)
  return which === 1 ? reason === 12 : which === 2 && reason === 0x78
}

function number(value: Scalar | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 65536 ? value : undefined
}
