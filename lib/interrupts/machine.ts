/**
 * What this machine's files tell of its interrupts:
 *
 *     /sys/bus/pci/devices/0000:04:00.0/msi_irqs/57      the device's MSIs; `irq` has its one line interrupt
 *     /sys/bus/pci/devices/0000:04:00.0/driver           virtio-pci, and below it virtio2/driver: virtio_net
 *     .../net/eth1, .../virtio2/block/vda                what users call it
 *     /proc/irq/57/smp_affinity_list                     where it may go; effective_affinity_list: where it goes
 *     /sys/kernel/debug/irq/irqs/57                      x86: the vector, and the CPU that it is on (root, debugfs)
 *     /proc/cpuinfo                                      x86: the APIC id of a CPU
 *
 * `root` is where these lie: `` is this machine, a folder is a copy of it. What is not there is not told.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Device {
  /** `0000:04:00.0` */
  device: string
  driver: string | undefined
  virtio: string | undefined
  virtioDriver: string | undefined
  /** The interfaces and disks that it is: `eth1`, `vda`. */
  serves: string[]
}

export interface Place {
  affinity: string | undefined
  effective: string | undefined
  /** x86: the vector on the target CPU, and that CPU's APIC id. */
  vector: number | undefined
  target: number | undefined
  apicId: number | undefined
}

export interface Machine {
  /** The PCI device of an interrupt. */
  deviceOf(irq: number): Device | undefined
  /** The PCI device at an address. */
  deviceAt(address: string): Device | undefined
  placeOf(irq: number): Place
}

export function readMachine(root: string): Machine {
  const devices = pciDevices(join(root, '/sys/bus/pci/devices'))
  const byIrq = new Map<number, Device>()
  for (const { device, lines } of devices) for (const irq of lines) byIrq.set(irq, device)
  for (const { device, messages } of devices) for (const irq of messages) byIrq.set(irq, device)
  const byAddress = new Map(devices.map(({ device }) => [device.device, device]))
  const apicIds = readApicIds(root)
  return {
    deviceOf: (irq) => byIrq.get(irq),
    deviceAt: (address) => byAddress.get(address),
    placeOf(irq) {
      const vector = readVector(root, irq)
      return {
        affinity: readLine(`${root}/proc/irq/${irq}/smp_affinity_list`),
        effective: readLine(`${root}/proc/irq/${irq}/effective_affinity_list`),
        ...vector,
        apicId: vector.target === undefined ? undefined : apicIds.get(vector.target),
      }
    },
  }
}

interface Found {
  device: Device
  messages: number[]
  lines: number[]
}

function pciDevices(folder: string): Found[] {
  const found = entries(folder).map((name) => pciDevice(join(folder, name)))
  const users = new Map<number, number>()
  for (const { lines } of found) for (const irq of lines) users.set(irq, (users.get(irq) ?? 0) + 1)
  // a line that several devices share tells of none
  return found.map((one) => ({ ...one, lines: one.lines.filter((irq) => users.get(irq) === 1) }))
}

function pciDevice(path: string): Found {
  const inside = entries(path)
  const virtio = inside.find((name) => /^virtio\d+$/.test(name))
  const classes = [path, ...(virtio === undefined ? [] : [join(path, virtio)])]
  const messages = numbers(entries(`${path}/msi_irqs`))
  const line = numbers([readLine(`${path}/irq`) ?? ''])
  return {
    device: {
      device: basename(path),
      driver: linkName(`${path}/driver`),
      virtio,
      virtioDriver: virtio === undefined ? undefined : linkName(`${path}/${virtio}/driver`),
      serves: classes.flatMap((at) => [...entries(`${at}/net`), ...entries(`${at}/block`)]).sort(),
    },
    messages,
    lines: messages.length > 0 ? [] : line.filter((irq) => irq > 0),
  }
}

/** `Vector:    36` and `Target:     1` (arch/x86/kernel/apic/vector.c, x86_vector_debug_show). */
function readVector(root: string, irq: number): Pick<Place, 'vector' | 'target'> {
  const text = read(`${root}/sys/kernel/debug/irq/irqs/${irq}`) ?? ''
  const number = (name: string) => {
    const digits = new RegExp(`^\\s*${name}:\\s+(\\d{1,9})\\s*$`, 'm').exec(text)?.[1]
    return digits === undefined ? undefined : Number(digits)
  }
  return { vector: number('Vector'), target: number('Target') }
}

function readApicIds(root: string): Map<number, number> {
  const text = read(join(root, '/proc/cpuinfo')) ?? ''
  const pairs = [...text.matchAll(/^processor\s*: (\d+)$(?:(?!\n\n)[\s\S])*?^apicid\s*: (\d+)$/gm)]
  return new Map(pairs.map(([, cpu, id]) => [Number(cpu), Number(id)]))
}

function numbers(texts: readonly string[]): number[] {
  return texts.filter((text) => /^\d{1,9}$/.test(text)).map(Number)
}

function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path))
  } catch {
    return undefined
  }
}

/** One line of a file; '' and a missing file alike are nothing. */
export function readLine(path: string): string | undefined {
  return read(path)?.trim() || undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
