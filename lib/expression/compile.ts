/**
 * Expressions over the fields of an event: `where 'irq == 28 && name ~ "virtio0-input*"'`, key-map's keys.
 *
 * The grammar is in grammar.peggy, the arithmetic (64 bits, C11 6.3.1.8) in integer.ts, `~` in glob.ts. A tree is
 * compiled once to closures and then asked about each event. Closures call closures and the getters that the caller
 * gave, nothing else: there is no way from an expression to JavaScript.
 *
 *   const vector = compile('(((address>>18)&1)?42:0) + ((address>>12)&0x3f)', (name) => (event) => event[name])
 *   vector({ address: 4276097024 })     0xfee00000 + (1 << 12)  ⇒  0 + 1  ⇒  1
 *
 * Each node is compiled for what its place wants of it: an integer, text, a truth, or its value whatever that is. So
 * `cpu + "a"` is refused when compiled, and `comm + 1` is an error of the event whose comm is no number. A part
 * without fields is calculated at once, unless it fails: `1 / 0` fails when evaluated, if it ever is.
 *
 * `==` and `!=` compare text where either side can only be text, integers where either side can only be an integer
 * and, between two fields, integers if both are, else text.
 */
import { ExpressionError } from './error.js'
import { fieldInteger, fieldText, fieldValue, type Getter, integerFrom, type Value } from './field.js'
import { glob, LONGEST_PATTERN } from './glob.js'
import {
  add,
  and,
  complement,
  divide,
  equal,
  type Integer,
  integerIn,
  less,
  multiply,
  negate,
  or,
  remainder,
  shiftLeft,
  shiftRight,
  subtract,
  xor,
} from './integer.js'
import { both, constant, first, map, type Operand, type Step, sequence } from './operand.js'
import { parse } from './parse.js'
import type { Arithmetic, Chain, Choice, Compare, Field, Logic, Order, Prefix, Tree } from './tree.js'

export { EvaluationError, ExpressionError, MissingField } from './error.js'
export type { Getter, Value } from './field.js'

/**
 * `field` is called once for each name, and may throw to refuse it; a getter answers undefined where the event has
 * no such field, which is a MissingField, and only where the value is really wanted.
 */
export function compile<R>(source: string, field: (name: string) => Getter<R>): (record: R) => Value {
  const tree = parse(source)
  const getters = new Map<string, Getter<R>>()
  const refuse = (reason: string, at: number, options?: ErrorOptions) => {
    return new ExpressionError(reason, source, at, options)
  }
  function getter({ name, at }: Field): Getter<R> {
    const known = getters.get(name)
    if (known) return known
    try {
      const made = field(name)
      getters.set(name, made)
      return made
    } catch (error) {
      throw refuse(error instanceof Error ? error.message : String(error), at, { cause: error })
    }
  }
  return value(tree, { getter, refuse }).read
}

/** Whether a value counts as true. "0" does not: it is how a 64-bit field says 0. */
export function holds(value: Value): boolean {
  return value !== 0 && value !== '' && value !== '0'
}

interface Scope<R> {
  getter(field: Field): Getter<R>
  refuse(reason: string, at: number): ExpressionError
}

function value<R>(tree: Tree, scope: Scope<R>): Operand<R, Value> {
  if (tree.kind === 'text') return constant(tree.text)
  if (tree.kind === 'field') return { read: fieldValue(tree.name, scope.getter(tree)) }
  if (tree.kind === 'choice') return choice(tree, scope, value)
  return integer(tree, scope)
}

function text<R>(tree: Tree, scope: Scope<R>): Operand<R, string> {
  if (tree.kind === 'text') return constant(tree.text)
  if (tree.kind === 'field') return { read: fieldText(tree.name, scope.getter(tree)) }
  if (tree.kind === 'choice') return choice(tree, scope, text)
  return map(integer(tree, scope), String)
}

function truth<R>(tree: Tree, scope: Scope<R>): Operand<R, boolean> {
  if (tree.kind === 'compare') return comparison(tree, scope)
  if (tree.kind === 'logic') return logic(tree, scope)
  if (kindOf(tree) === 'integer') return map(integer(tree, scope), (number) => number !== 0)
  return map(value(tree, scope), holds)
}

function integer<R>(tree: Tree, scope: Scope<R>): Operand<R, Integer> {
  switch (tree.kind) {
    case 'integer':
      return constant(tree.value)
    case 'text':
      throw scope.refuse('a string stands where an integer is wanted', tree.at)
    case 'field':
      return { read: fieldInteger(tree.name, scope.getter(tree)) }
    case 'prefix':
      return prefix(tree, scope)
    case 'chain':
      return chain(tree, scope)
    case 'compare':
    case 'logic':
      return map(truth(tree, scope), Number)
    case 'choice':
      return choice(tree, scope, integer)
  }
}

function prefix<R>({ operator, operand }: Prefix, scope: Scope<R>): Operand<R, Integer> {
  if (operator === '!') return map(truth(operand, scope), (holds) => (holds ? 0 : 1))
  const number = integer(operand, scope)
  if (operator === '+') return number
  return map(number, operator === '-' ? negate : complement)
}

const ARITHMETIC: Record<Arithmetic, (left: Integer, right: Integer) => Integer> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': remainder,
  '&': and,
  '|': or,
  '^': xor,
  '<<': shiftLeft,
  '>>': shiftRight,
}

function chain<R>(tree: Chain, scope: Scope<R>): Operand<R, Integer> {
  const start = integer(tree.first, scope)
  const steps = tree.rest.map(({ operator, operand }): Step<R> => {
    return { operate: ARITHMETIC[operator], right: integer(operand, scope) }
  })
  return sequence(start, steps)
}

const ORDER: Record<Order, (left: Integer, right: Integer) => boolean> = {
  '<': less,
  '<=': (left, right) => !less(right, left),
  '>': (left, right) => less(right, left),
  '>=': (left, right) => !less(left, right),
}

function comparison<R>(tree: Compare, scope: Scope<R>): Operand<R, boolean> {
  const { operator, left, right } = tree
  if (operator === '==') return equality(left, right, scope)
  if (operator === '!=') return map(equality(left, right, scope), (same) => !same)
  if (operator === '~') return match(tree, scope)
  if (operator === '!~') return map(match(tree, scope), (matches) => !matches)
  return both(integer(left, scope), integer(right, scope), ORDER[operator])
}

function match<R>({ left, right, at }: Compare, scope: Scope<R>): Operand<R, boolean> {
  if (right.kind !== 'text') throw scope.refuse('the right side of ~ must be a pattern in quotes', at)
  if (right.text.length > LONGEST_PATTERN) {
    throw scope.refuse(`a pattern is at most ${LONGEST_PATTERN} characters long`, right.at)
  }
  return map(text(left, scope), glob(right.text))
}

function equality<R>(left: Tree, right: Tree, scope: Scope<R>): Operand<R, boolean> {
  const kinds = [kindOf(left), kindOf(right)]
  if (kinds.includes('text')) return both(text(left, scope), text(right, scope), (a, b) => a === b)
  if (kinds.includes('integer')) return both(integer(left, scope), integer(right, scope), equal)
  return both(value(left, scope), value(right, scope), sameValue(nameOf(left), nameOf(right)))
}

function sameValue(leftName: string, rightName: string): (left: Value, right: Value) => boolean {
  return (left, right) => {
    if (left === right) return true
    if (typeof left === 'string' && typeof right === 'string') return equalTexts(left, right)
    return equal(
      typeof left === 'string' ? integerFrom(leftName, left) : left,
      typeof right === 'string' ? integerFrom(rightName, right) : right,
    )
  }
}

/** Different texts are the same integer only where C converts: "-1" is "18446744073709551615". */
function equalTexts(left: string, right: string): boolean {
  const [l, r] = [integerIn(left), integerIn(right)]
  return l !== undefined && r !== undefined && equal(l, r)
}

function nameOf(tree: Tree): string {
  return tree.kind === 'field' ? tree.name : '?:'
}

/** What a tree's value can be: nothing but an integer, nothing but text, or either. */
function kindOf(tree: Tree): 'integer' | 'text' | 'either' {
  if (tree.kind === 'text') return 'text'
  if (tree.kind === 'field') return 'either'
  if (tree.kind !== 'choice') return 'integer'
  const kinds = [tree.otherwise, ...tree.arms.map(({ value }) => value)].map(kindOf)
  const [kind = 'either'] = kinds
  return kinds.every((other) => other === kind) ? kind : 'either'
}

function logic<R>({ operator, operands }: Logic, scope: Scope<R>): Operand<R, boolean> {
  const decisive = operator === '||'
  const tests = operands.map((operand) => ({ test: truth(operand, scope), value: constant(decisive) }))
  return first(tests, decisive, constant(!decisive))
}

function choice<R, T>(
  { arms, otherwise }: Choice,
  scope: Scope<R>,
  compiled: (tree: Tree, scope: Scope<R>) => Operand<R, T>,
): Operand<R, T> {
  const tests = arms.map(({ test, value }) => ({ test: truth(test, scope), value: compiled(value, scope) }))
  return first(tests, true, compiled(otherwise, scope))
}
