/**
 * Hops: which event starts and which ends a pair. Operands `A B C` are the hops A ⇒ B and B ⇒ C; a comma
 * gives alternatives (`irq_a,irq_b`); `cycle` adds C ⇒ A. `system:name` is that event; a bare `name` is the
 * event of that name in any system.
 */
import { nameOf } from '../wire/names.js'

export interface Hop {
  readonly index: number
  readonly start: string
  readonly end: string
}

/** What an event is to the hops: ends are looked at before starts, so `A A` pairs an event with the one before. */
export interface Roles {
  readonly ends: readonly number[]
  readonly starts: readonly number[]
}

/** Throws an Error where the operands are no path. */
export function hopsOf(operands: readonly string[], cycle: boolean): Hop[] {
  if (operands.length < 2) throw new Error('two events are needed: the start and the end')
  for (const operand of operands)
    if (operand.split(',').some((name) => !/^[^\s,:]+(:[^\s,:]+)?$/.test(name)))
      throw new Error(`${JSON.stringify(operand)} is not an event name, or names with commas between`)
  const path = cycle ? [...operands, operands[0] as string] : operands
  return path.slice(1).map((end, index) => ({ index, start: path[index] as string, end }))
}

/** The roles of an event by its interned name; each name is looked at once. */
export function rolesOf(hops: readonly Hop[]): (event: number) => Roles | null {
  const known: (Roles | null)[] = []
  return (event) => {
    const roles = known[event]
    if (roles !== undefined) return roles
    const name = nameOf(event)
    const ends = hops.filter((hop) => matches(hop.end, name)).map((hop) => hop.index)
    const starts = hops.filter((hop) => matches(hop.start, name)).map((hop) => hop.index)
    const found = ends.length + starts.length > 0 ? { ends, starts } : null
    known[event] = found
    return found
  }
}

/** Does the event's name match an operand: `irq:irq_handler_entry`, `irq_handler_entry`, either with alternatives. */
export function matches(operand: string, event: string): boolean {
  const bare = event.slice(event.indexOf(':') + 1)
  return operand.split(',').some((name) => name === event || name === bare)
}
