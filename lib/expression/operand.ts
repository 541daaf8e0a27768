/**
 * Compiled parts of an expression, and how they combine.
 *
 * An operand is a function of the record. Where it is the same for every record it carries that constant too, and
 * what combines only constants is one again: `(1 << 12) - 1` costs nothing per event, and of `x & ((1 << 12) - 1)`
 * remains `x & 4095`. A combination that fails (`1 / 0`) stays a function: it fails where it is evaluated, as C's
 * short-circuit operators demand (`0 && 1 / 0` is 0).
 *
 * Long rows are loops, not closures in closures: ten thousand terms of a sum need no deeper stack than two.
 */
import { EvaluationError } from './error.js'
import type { Integer } from './integer.js'

export interface Operand<R, T> {
  read: (record: R) => T
  constant?: T
}

export interface Step<R> {
  operate: (left: Integer, right: Integer) => Integer
  right: Operand<R, Integer>
}

export interface Arm<R, T> {
  test: Operand<R, boolean>
  value: Operand<R, T>
}

export function constant<T>(value: T): Operand<unknown, T> {
  return { read: () => value, constant: value }
}

export function map<R, A, B>({ read, constant: known }: Operand<R, A>, change: (value: A) => B): Operand<R, B> {
  if (known !== undefined) return constant(change(known))
  return { read: (record) => change(read(record)) }
}

export function both<R, A, B, T>(
  left: Operand<R, A>,
  right: Operand<R, B>,
  combine: (left: A, right: B) => T,
): Operand<R, T> {
  const { read } = left
  const { read: readRight, constant: known } = right
  if (left.constant !== undefined && known !== undefined) return settled(combine, left.constant, known)
  if (known !== undefined) return { read: (record) => combine(read(record), known) }
  return { read: (record) => combine(read(record), readRight(record)) }
}

function settled<A, B, T>(combine: (left: A, right: B) => T, left: A, right: B): Operand<unknown, T> {
  try {
    return constant(combine(left, right))
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    return { read: () => combine(left, right) }
  }
}

/** Steps taken from the left: `start`, then each step's operation on what there is and its right side. */
export function sequence<R>(start: Operand<R, Integer>, steps: Step<R>[]): Operand<R, Integer> {
  let left = start
  let taken = 0
  while (taken < steps.length && (left.constant !== undefined || taken < NESTED)) {
    const { operate, right } = steps[taken] as Step<R>
    left = both(left, right, operate)
    taken += 1
  }
  const { read } = left
  const rest = steps.slice(taken)
  if (rest.length === 0) return left
  return { read: (record) => rest.reduce((sum, { operate, right }) => operate(sum, right.read(record)), read(record)) }
}

/** So many steps are closures in closures, which is faster than a loop. */
const NESTED = 4

/** The value of the first arm whose test is `wanted`, else `otherwise`; later tests are not evaluated. */
export function first<R, T>(arms: Arm<R, T>[], wanted: boolean, otherwise: Operand<R, T>): Operand<R, T> {
  const open = arms.filter(({ test }) => test.constant !== !wanted)
  const [arm] = open
  if (!arm) return otherwise
  if (arm.test.constant === wanted) return arm.value
  if (open.length > 1) return { read: firstOf(open, wanted, otherwise) }
  const { read: test } = arm.test
  const { read: value } = arm.value
  const { read: other } = otherwise
  return { read: (record) => (test(record) === wanted ? value(record) : other(record)) }
}

function firstOf<R, T>(arms: Arm<R, T>[], wanted: boolean, otherwise: Operand<R, T>): (record: R) => T {
  return (record) => {
    for (const { test, value } of arms) if (test.read(record) === wanted) return value.read(record)
    return otherwise.read(record)
  }
}
