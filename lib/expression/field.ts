/**
 * The value of a field, as the place where it stands in the expression wants it.
 *
 * A getter gives a number, a bigint, or text; 64-bit fields travel as decimal text. As an integer, "4276097024" is
 * 4276097024 and "virtio0-input.0" is an error of that event; as text, 28 is "28". Text is only read as an integer
 * where an integer is wanted: a task may be called "007". A number that cannot be an exact integer (1.5, 2^53 and
 * above, which JSON has rounded already) is an error wherever it stands.
 */
import { oneLine } from '../drawing/visible.js'
import { EvaluationError, MissingField } from './error.js'
import { canonical, type Integer, inRange, integerIn } from './integer.js'

/** An integer in the canonical form of integer.ts, or text. */
export type Value = number | bigint | string

export type Getter<R> = (record: R) => Value | undefined

/** As it is, in canonical form. */
export function fieldValue<R>(name: string, get: Getter<R>): (record: R) => Value {
  return (record) => {
    const value = get(record)
    return typeof value === 'string' ? value : exact(name, value)
  }
}

export function fieldInteger<R>(name: string, get: Getter<R>): (record: R) => Integer {
  return (record) => {
    const value = get(record)
    return typeof value === 'string' ? integerFrom(name, value) : exact(name, value)
  }
}

export function fieldText<R>(name: string, get: Getter<R>): (record: R) => string {
  return (record) => {
    const value = get(record)
    return typeof value === 'string' ? value : String(exact(name, value))
  }
}

export function integerFrom(name: string, text: string): Integer {
  const integer = integerIn(text)
  if (integer === undefined) throw new EvaluationError(`'${name}' is ${quoted(text)}, not an integer`)
  return integer
}

function exact(name: string, value: number | bigint | undefined): Integer {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0
  if (value === undefined) throw new MissingField(name)
  if (typeof value === 'bigint' && inRange(value)) return canonical(value)
  throw new EvaluationError(`'${name}' is ${oneLine(String(value).slice(0, LONGEST))}, not an exact 64-bit integer`)
}

const LONGEST = 40

function quoted(text: string): string {
  return oneLine(JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text))
}
