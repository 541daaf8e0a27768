/** Learning from the records of a recording: the host's injections, the guests' handlers, what was lost. */
import { HAS_CPU, TYPE } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { matches } from '../pairing/hops.js'
import { words } from '../wire/memory.js'
import { memberName, type RecordView } from '../wire/record.js'
import { type Learning, learning } from './learn.js'
import { msiOfEvent } from './msi-event.js'

export interface LearnStage {
  accept(record: RecordView): void
  result: Learning['result']
  /** Guests whose interrupts were seen, and whether every injection said which of them it concerns. */
  guests(): { names: string[]; told: boolean }
}

export function learnStage(): LearnStage {
  const learn = learning()
  const irq = memberName('irq')
  const name = memberName('name')
  const vector = memberName('vector')
  const cpu = memberName('cpu')
  const hosts = new Set(['host'])
  const guests = new Set<string>()
  let told = true

  function inject(record: RecordView): void {
    const msi = msiOfEvent(record)
    if (msi === undefined) throw new BadRecord(`${record.event} has neither address and data nor dst and vec`)
    hosts.add(record.src)
    if (msi === 'other') return
    if (record.vm === '') told = false
    learn.injected(record.vm, msi)
  }

  function handle(record: RecordView): void {
    const number = record.arg(irq)
    if (typeof number !== 'number' || !record.has(HAS_CPU)) throw new BadRecord(`${record.event} has no irq, or no cpu`)
    guests.add(record.src)
    const called = record.arg(name)
    learn.handled(record.src, record.cpu as number, number, typeof called === 'string' ? called : undefined)
  }

  function tell(record: RecordView): void {
    const [a, b, c] = [record.arg(cpu), record.arg(irq), record.arg(vector)]
    if (typeof a !== 'number' || typeof b !== 'number' || typeof c !== 'number')
      throw new BadRecord(`${record.event} lacks irq, vector or cpu`)
    learn.told(record.src, a, b, c)
  }

  return {
    accept(record) {
      if (words[record.row + TYPE] !== 0) {
        if (record.type === 'lost') learn.lost()
        return
      }
      const { event } = record
      if (matches('kvm_msi_set_irq', event)) inject(record)
      else if (hosts.has(record.src)) return
      else if (matches('irq_handler_entry', event)) handle(record)
      else if (matches('vector_config', event)) tell(record)
    },
    result: learn.result,
    guests: () => ({ names: [...guests], told }),
  }
}
