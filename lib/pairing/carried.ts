/**
 * Carried fields (`pair --with exit_name,ret`): what a pair's record says of its events beside their times. Each is a field of
 * the start or, where the start has none of that name, of the end.
 *
 * A start may wait for long, so its fields are read while its line is there, and cut to LONGEST.
 */
import { eventField } from '../expression/event-fields.js'
import type { RecordView } from '../wire/record.js'

/** JSON texts, a place for each name; undefined: the event has no such field. */
export type Values = readonly (string | undefined)[]

export interface Carried {
  of(record: RecordView): Values
  /** Members for the end of the pair's record: `,"exit_name":"npf"`. */
  text(start: Values, end: Values): string
}

const LONGEST = 256
/** What the record of a pair has already. */
const own = /^(type|key|vm|src|start|end|(start|end)_(ts|tsc|cpu|pid|src)|delta_(ns|tsc))$/

/** Throws an Error where the text names no fields. */
export function carrying(text: string): Carried {
  const fields = text.split(',').map((name) => {
    if (!/^(args\.)?\w+$/.test(name)) throw new Error(`--with: ${JSON.stringify(name)} is not a field of an event`)
    const member = name.replace(/^args\./, '')
    if (own.test(member)) throw new Error(`--with: a pair has a ${member} of its own`)
    return { member: `,${JSON.stringify(member)}:`, get: eventField(name) }
  })
  return {
    of: (record) => fields.map(({ get }) => json(get(record))),
    text: (start, end) =>
      fields.map(({ member }, i) => ((start[i] ?? end[i]) ? `${member}${start[i] ?? end[i]}` : '')).join(''),
  }
}

/** An integer that a JSON reader would round is text. */
function json(value: string | number | bigint | undefined): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  return JSON.stringify(String(value).slice(0, LONGEST))
}
