/**
 * The `irq` record: one interrupt, from its line in /proc/interrupts and from what the machine's files say of it.
 *
 * The driver calls an interrupt by its queue: `virtio2-input.0`, `nvme0q1`, `eth0-TxRx-3`, `mlx5_comp0@pci:0000:04:00.0`.
 */
import type { Device, Machine } from './machine.js'
import { msiOf } from './msi.js'
import type { Interrupt } from './table.js'

export interface IrqRecord {
  type: 'irq'
  irq: number | string
  name?: string | undefined
  chip?: string | undefined
  hwirq?: string | undefined
  trigger?: string | undefined
  device?: string | undefined
  msi_index?: number | undefined
  driver?: string | undefined
  virtio?: string | undefined
  virtio_driver?: string | undefined
  serves?: string[] | undefined
  queue?: string | undefined
  affinity?: string | undefined
  effective?: string | undefined
  vector?: number | undefined
  target?: number | undefined
  apic_id?: number | undefined
  counts?: Record<string, number> | undefined
  total: number
}

/** `machine`: absent where the table is a saved one of another machine. */
export function irqRecord(interrupt: Interrupt, machine?: Machine): IrqRecord {
  const { irq, name, chip, hwirq, trigger, counts, total } = interrupt
  const msi = msiOf(chip, hwirq)
  const device = (typeof irq === 'number' ? machine?.deviceOf(irq) : undefined) ?? at(msi?.device, machine)
  const place = typeof irq === 'number' ? machine?.placeOf(irq) : undefined
  return {
    type: 'irq',
    irq,
    name,
    chip,
    hwirq: hwirq?.toString(),
    trigger,
    device: device?.device ?? addressIn(name),
    msi_index: msi?.index,
    driver: device?.driver,
    virtio: device?.virtio ?? /^(virtio\d+)(?:-|$)/.exec(name ?? '')?.[1],
    virtio_driver: device?.virtioDriver,
    serves: device?.serves.length ? device.serves : undefined,
    queue: typeof irq === 'number' ? queueOf(name) : undefined,
    affinity: place?.affinity,
    effective: place?.effective,
    vector: place?.vector,
    target: place?.target,
    apic_id: place?.apicId,
    counts: counts ? Object.fromEntries(counts) : undefined,
    total,
  }
}

function at(
  address: string | undefined,
  machine: Machine | undefined,
): (Partial<Device> & { serves: string[] }) | undefined {
  if (address === undefined) return undefined
  return machine?.deviceAt(address) ?? { device: address, serves: [] }
}

/** Some drivers name the device themselves. */
function addressIn(name: string | undefined): string | undefined {
  return /@pci:([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/.exec(name ?? '')?.[1]
}

function queueOf(name = ''): string | undefined {
  const forms = [/^virtio\d+-(\S+)$/, /^nvme\d+(q\d+)$/, /-((?:tx|rx|txrx|fp|q)-?\d+)$/i, /^mlx\d_(comp\d+)@/]
  for (const form of forms) {
    const queue = form.exec(name)?.[1]
    if (queue !== undefined) return queue
  }
  return undefined
}

/** Is it what a user asked for: a number, a name, a glob on it, a device's address, its driver, what it serves? */
export function isOf(record: IrqRecord, wanted: string): boolean {
  const { irq, name = '', device = '', driver, virtio, virtio_driver, serves = [] } = record
  const own = [String(irq), driver, virtio, virtio_driver, device, device.replace(/^0+:/, ''), ...serves]
  return own.includes(wanted) || name.split(', ').some((one) => one === wanted || glob(wanted).test(one))
}

function glob(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
}
