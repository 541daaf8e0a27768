/** The guest's interrupt as the key of both its ends: the MSI that the host injects, and the guest's handler. */
import { readText } from '../cli/read-text.js'
import { BadRecord, Failure } from '../cli/tool.js'
import type { KeyRule } from '../pairing/key-rules.js'
import { memberName, type RecordView } from '../wire/record.js'
import { msiOfEvent } from './msi-event.js'
import { type VectorMap, vectorMap } from './vector-map.js'

export const MSI = 'kvm_msi_set_irq'

/** `whose`: which guest an event of the host concerns. An MSI that the map does not know gets no key. */
export function irqRules(map: VectorMap, whose: (record: RecordView) => string): KeyRule[] {
  const irq = memberName('irq')
  return [
    {
      event: MSI,
      key(record) {
        const msi = msiOfEvent(record)
        if (msi === undefined) throw new BadRecord(`${record.event} has neither address and data nor dst and vec`)
        return msi === 'other' ? undefined : map.irqOf(whose(record), msi)
      },
    },
    {
      event: 'irq_handler_entry,irq_handler_exit',
      key(record) {
        if (!map.knows(record.src)) return undefined
        const number = record.arg(irq)
        if (typeof number !== 'number') throw new BadRecord(`${record.event} has no irq`)
        return number
      },
    },
  ]
}

/** `[GUEST=]FILE`, each with records of irq-map. `bad` gets each line that is none, with its place. */
export function readMaps(options: readonly string[], bad: (where: string, reason: string) => void): VectorMap {
  const files = options.map((option) => {
    const [, guest = '', path = option] = /^([^=/]+)=(.+)$/.exec(option) ?? []
    return { guest, path, text: readText(path) }
  })
  const map = vectorMap(files, (file, line, reason) => bad(`${files[file]?.path}:${line}`, reason))
  if (!map.known)
    throw new Failure(
      `${files.map(({ path }) => path).join(', ')}: no interrupt has a vector; irq-map --learn finds them in a recording`,
    )
  return map
}
