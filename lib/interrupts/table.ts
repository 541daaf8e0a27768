/**
 * /proc/interrupts as text: a line of CPUs (those that are online), then a line an interrupt
 * (kernel/irq/proc.c, show_interrupts; the named ones at the end are the architecture's).
 *
 *                CPU0       CPU1
 *      57:     186776          0   ITS-MSI 2097153 Edge      virtio2-input.0
 *      25:         53          1   PCI-MSI 16385-edge      virtio0-input.0
 *     LOC:       8715       7443   Local timer interrupts
 *     ERR:          0
 *
 * A count is 32 bits wide and wraps.
 */

export interface Interrupt {
  /** 57; `LOC` where the kernel has no number for it. */
  irq: number | string
  /** What its drivers called it, with commas between several; what a named one is. */
  name: string | undefined
  /** The interrupt controller, its own number of the interrupt, and how it is triggered: `edge`, `level`, `fasteoi`. */
  chip: string | undefined
  hwirq: bigint | undefined
  trigger: string | undefined
  /** By CPU; null: one count for all of them (ERR, MIS). */
  counts: ReadonlyMap<number, number> | null
  total: number
}

export interface Table {
  interrupts: Interrupt[]
  /** Lines that say nothing whole, each with what is wrong. */
  bad: { line: number; reason: string }[]
}

const MAX_CPUS = 1 << 16

/** What is counted for all CPUs together. */
const ONE_COUNT = /^(?:err|mis|bad)$/i

/** Reads a saved or a live table; what stands before the line of CPUs (a shell's prompt) is no part of it. */
export function readTable(text: string): Table {
  const interrupts: Interrupt[] = []
  const bad: Table['bad'] = []
  let cpus: number[] | undefined
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*CPU\d+(\s+CPU\d+)*\s*$/.test(line)) cpus = line.match(/\d+/g)?.map(Number).slice(0, MAX_CPUS)
    else if (cpus && line.trim() !== '') {
      const read = readLine(line, cpus)
      if (typeof read === 'string') bad.push({ line: i + 1, reason: read })
      else interrupts.push(read)
    }
  }
  if (!cpus) bad.push({ line: 1, reason: 'no line of CPUs (CPU0 CPU1 ...): this is not /proc/interrupts' })
  return { interrupts, bad }
}

/** Answers what is wrong, where a line is none. */
function readLine(line: string, cpus: readonly number[]): Interrupt | string {
  const [, label = '', rest = ''] = /^\s*(\w+):(?:\s+(.*))?$/.exec(line) ?? []
  if (label === '') return 'no interrupt: its number and a colon are missing'
  const numbered = /^\d+$/.test(label)
  const fields = rest.trim().split(/\s+/)
  const digits = fields.findIndex((field) => !/^\d{1,10}$/.test(field))
  const given = Math.min(cpus.length, digits < 0 ? fields.length : digits)
  const whole = ONE_COUNT.test(label) && given === 1
  if (given < cpus.length && !whole) return `interrupt ${label}: ${given} counts, and there are ${cpus.length} CPUs`
  if (numbered && fields.length === given) return `interrupt ${label}: the line ends before its controller`
  const numbers = fields.slice(0, given).map(Number)
  const after = fields.length > given ? rest.trim().replace(new RegExp(`^(?:\\d+\\s+){${given}}`), '') : ''
  return {
    irq: numbered ? Number(label) : label,
    ...(numbered ? source(after) : { name: after || undefined, chip: undefined, hwirq: undefined, trigger: undefined }),
    counts: whole ? null : new Map(cpus.map((cpu, i) => [cpu, numbers[i] as number])),
    total: numbers.reduce((sum, count) => sum + count, 0),
  }
}

/**
 * `PCI-MSI 16385-edge      virtio0-input.0`, `ITS-MSI 2097153 Edge      virtio2-input.0`, and before Linux 3.15 or so
 * `PCI-MSI-edge      virtio0-input.0`, which has no number.
 */
function source(text: string): Pick<Interrupt, 'name' | 'chip' | 'hwirq' | 'trigger'> {
  const numbered = /^(.*?\S)\s+(\d{1,20})(?:-(\S+)|\s+(Level|Edge)(?:-\S+)?)?(?:\s+(.*))?$/.exec(text)
  if (numbered) {
    const [, chip, hwirq = '', flow, trigger, name] = numbered
    return { chip, hwirq: BigInt(hwirq), trigger: (flow ?? trigger)?.toLowerCase(), name: name?.trim() || undefined }
  }
  const [, chip, name] = /^(\S+)(?:\s+(.*))?$/.exec(text) ?? []
  return {
    chip,
    hwirq: undefined,
    trigger: /-(edge|level|fasteoi)$/.exec(chip ?? '')?.[1],
    name: name?.trim() || undefined,
  }
}
