/**
 * Rules that give events a key (`key-map -k 'irq_handler_entry=irq-24'`): an expression for each event name. The first rule
 * whose event matches counts.
 */
import { BadRecord } from '../cli/tool.js'
import { compile, EvaluationError, type Value } from '../expression/compile.js'
import { eventField } from '../expression/event-fields.js'
import { integerIn } from '../expression/integer.js'
import { nameOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'
import { boundedKey } from './event-key.js'
import { matches } from './hops.js'

export interface KeyRule {
  event: string
  /** undefined: this event gets no key. */
  key: (record: RecordView) => Value | undefined
}

/** `EVENT=EXPRESSION`. Throws an Error where it is none. */
export function keyRule(text: string): KeyRule {
  const at = text.indexOf('=')
  if (at < 1) throw new Error(`-k ${JSON.stringify(text)} is not EVENT=EXPRESSION`)
  return { event: text.slice(0, at), key: compile(text.slice(at + 1), eventField) }
}

/** The rule of an interned event name; each name is looked at once. */
export function ruleFinder(rules: readonly KeyRule[]): (event: number) => KeyRule | null {
  const known: (KeyRule | null)[] = []
  return (event) => {
    const found = known[event]
    if (found !== undefined) return found
    const name = nameOf(event)
    const rule = rules.find((candidate) => matches(candidate.event, name)) ?? null
    known[event] = rule
    return rule
  }
}

/** As JSON: a number as a number; above 2^53, and text, as a string. */
export function keyText({ key }: KeyRule, record: RecordView): string | undefined {
  let value: Value | undefined
  try {
    value = key(record)
  } catch (error) {
    throw error instanceof EvaluationError ? new BadRecord(`${record.event}: ${error.message}`) : error
  }
  if (value === undefined) return undefined
  const integer = typeof value === 'string' ? integerIn(value) : value
  if (typeof integer === 'number') return String(integer)
  return JSON.stringify(boundedKey(String(value)))
}
