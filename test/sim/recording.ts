/**
 * The recording that the simulation plays: a KVM host and its guest (examples/data/README.md), read here without the
 * tools that are to be held against it. Interrupts that the host injected and the guest handled get a key, the guest's
 * interrupt; all else is what a stream has beside.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface Played {
  guest: boolean
  /** Cycles of the host's TSC since the recording began. */
  at: number
  event: string
  cpu: number
  pid: number
  comm: string
  /** JSON text of the kernel's fields. */
  args: string
  /** Of an injected or handled interrupt. */
  key: number | undefined
}

export const TSC_KHZ = 2_445_430
const TSC_OFFSET = -530_607_982_635
const START = 'kvm_msi_set_irq'
const END = 'irq_handler_entry'

/** Both machines' events, in the order of time. */
export function recording(): Played[] {
  const host = events('examples/data/irq-host.txt.gz', false, 0).filter(({ event }) => event !== END)
  const guest = events('examples/data/irq-guest.txt.gz', true, -TSC_OFFSET).filter(({ event }) => event !== START)
  const all = [...host, ...guest].sort((a, b) => a.at - b.at)
  const first = all[0]?.at ?? 0
  return all.map((event) => ({ ...event, at: event.at - first }))
}

const line = /^\s*(.*)-(\d+)\s+\[(\d+)\] \S+ +(\d+): (\w+): (.*)$/

function events(path: string, guest: boolean, shift: number): Played[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8')
  return text.split('\n').flatMap((written) => {
    const [, comm = '', pid, cpu, tsc, event = '', fields = ''] = line.exec(written) ?? []
    if (tsc === undefined) return []
    const at = Number(tsc) + shift
    return [{ guest, at, event, cpu: Number(cpu), pid: Number(pid), comm, ...fieldsOf(event, fields) }]
  })
}

/** Which of the guest's interrupts an MSI is, by destination and vector: as its /proc/interrupts and MSI tables had it. */
const interrupts: Record<string, number> = { '0 36': 26, '0 38': 30, '1 37': 27, '1 38': 31, '1 40': 33 }

function fieldsOf(event: string, fields: string): Pick<Played, 'args' | 'key'> {
  if (event === START) {
    const [, dst = '', vec = ''] = /^dst (\d+) vec (\d+)/.exec(fields) ?? []
    const key = interrupts[`${dst} ${vec}`] ?? (dst === '0' ? 25 : 28)
    return { args: JSON.stringify({ dst: Number(dst), vec: Number(vec) }), key }
  }
  if (event === END) {
    const [, irq = '', name = ''] = /^irq=(\d+) name=(\S+)/.exec(fields) ?? []
    return { args: JSON.stringify({ irq: Number(irq), name }), key: Number(irq) }
  }
  return { args: JSON.stringify({ text: fields }), key: undefined }
}
