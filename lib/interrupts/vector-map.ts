/**
 * The `irq` records that tell a guest's vectors, as irq-map writes them, for who wants to know which interrupt an
 * injected MSI is. Records without a vector (a line interrupt, a table that was saved) tell nothing here.
 */
import type { MsiEvent } from './msi-event.js'

export interface VectorMap {
  /** The guest's interrupt; undefined where it is not known, or two are. */
  irqOf(guest: string, msi: MsiEvent): number | undefined
  /** Are these the events of a guest that the map is about? */
  knows(src: string): boolean
  /** Is anything known? */
  readonly known: boolean
}

export interface MapFile {
  /** The guest that it is of, '' where its records tell that, or it is the only one. */
  guest: string
  text: string
}

/** `wrong` gets each line that is no record, by its number. */
export function vectorMap(
  files: readonly MapFile[],
  wrong: (file: number, line: number, reason: string) => void,
): VectorMap {
  const irqs = new Map<string, number | null>()
  const guests = new Set<string>()

  function add(key: string, irq: number): void {
    const known = irqs.get(key)
    irqs.set(key, known === undefined || known === irq ? irq : null)
  }

  function take(record: Record<string, unknown>, guest: string): void {
    const { type, irq, vector, target, apic_id: apicId, src } = record
    if (type !== 'irq' || !isNumber(irq) || !isNumber(vector)) return
    const whose = guest || (typeof src === 'string' ? src : '')
    guests.add(whose)
    if (isNumber(target)) add(`cpu ${target} ${vector} ${whose}`, irq)
    if (isNumber(apicId ?? target)) add(`apic ${apicId ?? target} ${vector} ${whose}`, irq)
  }

  for (const [i, { guest, text }] of files.entries())
    for (const [at, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue
      const record = parsed(line)
      if (record) take(record, guest)
      else wrong(i, at + 1, 'not a JSON object')
    }
  const only = guests.size === 1 ? [...guests][0] : undefined
  return {
    irqOf(guest, { destination, logical, vector }) {
      const whose = guests.has(guest) ? guest : only
      return whose === undefined
        ? undefined
        : (irqs.get(`${logical ? 'cpu' : 'apic'} ${destination} ${vector} ${whose}`) ?? undefined)
    },
    known: irqs.size > 0,
    // a host is called so by the one who receives its events; a guest cannot take that name
    knows: (src) => guests.has(src) || (guests.has('') && src !== 'host'),
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
