/**
 * Changes of a guest's offset, as its host's stream tells them: the event kvm_write_tsc_offset (arch/x86/kvm/trace.h)
 * with vcpu_id, previous_tsc_offset and next_tsc_offset. It repeats the same value when a vCPU is reset.
 *
 * The vCPU is of the guest whose thread made the event: two guests have a vCPU 0 each.
 */
import { EVENT, HAS_TSC, SRC, TIME } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { LiveClocks } from './clocks.js'
import { parseInteger64 } from './machine-clock.js'

export interface Following {
  /** To be called with each event, before it is aligned. */
  event(record: RecordView): void
  readonly changes: number
}

export interface Whose {
  /** Is this src (its id) the host's? */
  isHost(src: number): boolean
  /** Is the thread that made this event the guest's? */
  isOwn(record: RecordView): boolean
}

const vcpuId = memberName('vcpu_id')
const previousOffset = memberName('previous_tsc_offset')
const nextOffset = memberName('next_tsc_offset')

/** KVM_MAX_VCPUS (arch/x86/include/asm/kvm_host.h). */
const MAX_VCPUS = 4096

export function following(clocks: LiveClocks, { isHost, isOwn }: Whose): Following {
  const names = [idOf('kvm:kvm_write_tsc_offset'), idOf('kvm_write_tsc_offset')]
  let changes = 0
  return {
    get changes() {
      return changes
    },
    event(record) {
      const { row } = record
      if (!names.includes(words[row + EVENT] as number)) return
      if (!record.has(HAS_TSC) || !isHost(words[row + SRC] as number) || !isOwn(record)) return
      const vcpu = Number(record.arg(vcpuId))
      if (!(Number.isInteger(vcpu) && vcpu >= 0 && vcpu < MAX_VCPUS))
        throw new BadRecord('kvm_write_tsc_offset has no vcpu_id')
      const since = { from: integer64(row + TIME), previous: offset(record, previousOffset) }
      if (clocks.change({ vcpu, offset: offset(record, nextOffset), since })) changes++
    },
  }
}

function offset(record: RecordView, member: typeof nextOffset): bigint {
  const value = record.arg(member)
  try {
    return parseInteger64(String(value))
  } catch {
    throw new BadRecord('kvm_write_tsc_offset does not say the offset before and after')
  }
}
