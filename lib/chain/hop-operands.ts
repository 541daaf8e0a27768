/**
 * A path on the command line, a hop an operand:
 *
 *     [IN]EVENT[OUT] where FILTER
 *
 * IN must equal the OUT of the hop before. Brackets and filter may be left out: without a link the next such event is
 * taken. A link is between events of one machine, unless it is `key`, which key-map made for both.
 */
import { checkPath, isEvent, type Path, type Policy, type Stage } from './path.js'

interface Hop {
  in: string | undefined
  event: string
  out: string | undefined
  where: string | undefined
}

const SHAPE = /^(?:\[([^\]]*)\])?([^\s[\]]+)(?:\[([^\]]*)\])?(?:\s+where\s+(\S[\s\S]*))?$/

/** Throws an Error where the operands are no path. */
export function pathOfHops(operands: readonly string[], policy: Policy): Path {
  if (operands.length < 2) throw new Error('two hops are needed at least, or --path FILE')
  const hops = operands.map(hopOf)
  const names = hops.map(({ event }, i) =>
    hops.findIndex((hop) => hop.event === event) === i ? event : `${event}#${i}`,
  )
  const stages = hops.map((hop, i): Stage => {
    const before = hops[i - 1]
    if ((before?.out === undefined) !== (hop.in === undefined))
      throw new Error(`${JSON.stringify(operands[i])}: ${mismatch(before)}`)
    return {
      name: names[i] as string,
      event: hop.event,
      where: hop.where,
      whose: before === undefined || hop.in === 'key' ? 'any' : 'same',
      in: hop.in === undefined ? [] : [{ name: String(i - 1), expression: hop.in }],
      out: hop.out === undefined ? [] : [{ name: String(i), expression: hop.out }],
      policy,
      optional: false,
      within: undefined,
      until: undefined,
    }
  })
  if (hops.at(-1)?.out !== undefined)
    throw new Error(`${JSON.stringify(operands.at(-1))}: nothing follows to take its link`)
  const path = { name: hops.map(({ event }) => event).join(' => '), stages, lets: new Map<string, string>() }
  checkPath(path)
  return path
}

function hopOf(operand: string): Hop {
  const [whole, into, event = '', out, where] = SHAPE.exec(operand) ?? []
  if (whole === undefined || !isEvent(event))
    throw new Error(`${JSON.stringify(operand)} is no hop: [IN]EVENT[OUT] where FILTER`)
  return { in: into, event, out, where }
}

function mismatch(before: Hop | undefined): string {
  if (before === undefined) return 'the first hop has no hop before it to link to'
  if (before.out === undefined) return 'it has a link, and the hop before gives none'
  return 'the hop before gives a link, and it takes none'
}
