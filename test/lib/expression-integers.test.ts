/** 64-bit arithmetic: against known answers of gcc, and against an evaluator of its own that only knows BigInt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compile, EvaluationError, type Value } from '../../lib/expression/compile.js'

type Event = Record<string, Value>

function evaluate(source: string, event: Event = {}): Value {
  return compile<Event>(source, (name) => (record) => record[name])(event)
}

test('precedence and associativity as gcc has them', () => {
  // printed by a C program with long long a = 13, b = -7, c = 5, d = 3, e = 1
  const known: [string, number][] = [
    ['a+b*c-d', -25],
    ['a-b-c', 15],
    ['a/c/d', 0],
    ['a%c*d', 9],
    ['a<<d+e', 208],
    ['a>>e<<d', 48],
    ['a&c==c', 1],
    ['a|c^d&a', 13],
    ['a^c|d', 11],
    ['a<b==d>e', 0],
    ['a&&b||c&&d-3', 1],
    ['e-1||a&&d-3', 0],
    ['!a==b', 0],
    ['-b*c', 35],
    ['~a&c', 0],
    ['-a%c', -3],
    ['b/d', -2],
    ['b%d', -1],
    ['b>>e', -4],
    ['-b-(-a)', 20],
    ['a?b:c?d:e', -7],
    ['e-1?a:e-1?b:c', 5],
    ['(e-1?a:b)?c:d', 5],
    ['a<<e<c', 0],
    ['a==13?b<c?1:2:3', 1],
    ['a-b<c*d|e', 1],
    ['!(a-13)+!!a', 2],
    ['a!=b!=c', 1],
    ['a>b>c', 0],
    ['a*b%c', -1],
    ['c<=d!=e', 1],
    ['a&d|c&e^b', -7],
    ['~b<<e', 12],
    ['- -a', 13],
    ['a- -b', 6],
    ['a*-b', 91],
  ]
  for (const [source, value] of known) assert.equal(evaluate(source, { a: 13, b: -7, c: 5, d: 3, e: 1 }), value, source)
})

test('conversions, wrapping and shifts at the edges of 64 bits', () => {
  const known: [string, Value][] = [
    ['-1 == 0xffffffffffffffff', 1],
    ['-1 < 0xffffffffffffffff', 0],
    ['-1 < 1', 1],
    ['-1 > 0x8000000000000000', 1],
    ['0x7fffffffffffffff + 1', -9223372036854775808n],
    ['0xffffffffffffffff + 1', 0],
    ['0 - 0x8000000000000001', 9223372036854775807n],
    ['-9223372036854775808', 9223372036854775808n],
    ['-9223372036854775807 - 1', -9223372036854775808n],
    ['~0', -1],
    ['~0x8000000000000000', 9223372036854775807n],
    ['1 << 63', -9223372036854775808n],
    ['1 << 63 >> 63', -1],
    ['0x8000000000000000 >> 63', 1],
    ['0x8000000000000000 << 1', 0],
    ['-5 >> 1', -3],
    ['4276097024 >> 12', 1043969],
    ['4276097024 >> 18 & 1', 0],
    ['4276097024 & 0xfff00000', 4276092928],
    ['9007199254740991 + 1', 9007199254740992n],
    ['9007199254740993 - 2', 9007199254740991],
    ['3037000500 * 3037000500', -9223372036709301616n],
    ['4294967296 * 4294967296', 0],
    ['-7 / 2', -3],
    ['-7 % 2', -1],
    ['-4 % 2', 0],
    ['0 * -5', 0],
    ['-1 / 2', 0],
    ['9007199254740991 / 2', 4503599627370495],
    ['-9007199254740991 & -9007199254740990', -9007199254740992n],
    ['~9007199254740991', -9007199254740992n],
    ['0XFF', 255],
    ['0', 0],
    ['1 - 1', 0],
    ['-0', 0],
  ]
  for (const [source, value] of known) assert.strictEqual(evaluate(source), value, source)
})

type Binary = (l: bigint, r: bigint) => bigint
type Node =
  | { value: bigint }
  | { name: string }
  | { sign: string; operand: Node }
  | { sign: string; left: Node; right: Node }
  | { test: Node; yes: Node; no: Node }

const EDGES = [0n, 1n, 2n, 31n, 32n, 52n, 53n, 62n, 63n, 64n].flatMap((n) => [n, 2n ** n - 1n, 2n ** n, 2n ** n + 1n])
const SIGNED = EDGES.flatMap((n) => [n, -n]).filter((n) => n >= -(2n ** 63n) && n < 2n ** 64n)
const anyInteger = fc.oneof(
  fc.constantFrom(...SIGNED),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  fc.bigInt({ min: -4n, max: 70n }),
)

const BINARY = ['*', '/', '%', '+', '-', '<<', '>>', '<', '<=', '>', '>=', '==', '!=', '&', '^', '|', '&&', '||']
const LEVELS = [
  ['*', '/', '%'],
  ['+', '-'],
  ['<<', '>>'],
  ['<', '<=', '>', '>='],
  ['==', '!='],
  ['&'],
  ['^'],
  ['|'],
  ['&&'],
  ['||'],
]

const { node } = fc.letrec<{ node: Node; leaf: Node }>((tie) => ({
  leaf: fc.oneof(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd') }),
    anyInteger.filter((value) => value >= 0n).map((value) => ({ value })),
  ),
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.record({ sign: fc.constantFrom('-', '+', '~', '!'), operand: tie('node') }),
    fc.record({ sign: fc.constantFrom(...BINARY), left: tie('node'), right: tie('node') }),
    fc.record({ sign: fc.constantFrom(...BINARY), left: tie('node'), right: tie('node') }),
    fc.record({ test: tie('node'), yes: tie('node'), no: tie('node') }),
  ),
}))

/** 0 is a value or a prefix, 1 to 10 the levels of C, 11 is ?: */
function level(node: Node): number {
  if ('test' in node) return 11
  if ('left' in node) return 1 + LEVELS.findIndex((signs) => signs.includes(node.sign))
  return 0
}

/** With no parentheses but those that C's precedence asks for. */
function print(node: Node): string {
  const within = (part: Node, most: number) => (level(part) <= most ? print(part) : `(${print(part)})`)
  if ('value' in node) return node.value % 3n === 0n ? `0x${node.value.toString(16)}` : String(node.value)
  if ('name' in node) return node.name
  if ('operand' in node) return `${node.sign} ${within(node.operand, 0)}`
  if ('test' in node) return `${within(node.test, 10)} ? ${print(node.yes)} : ${within(node.no, 11)}`
  return `${within(node.left, level(node))} ${node.sign} ${within(node.right, level(node) - 1)}`
}

class Undefined extends Error {}

const unsigned = (n: bigint) => n >= 2n ** 63n
const truth = (holds: boolean) => (holds ? 1n : 0n)

const OPERATIONS: Record<string, Binary> = {
  '*': (l, r) => l * r,
  '+': (l, r) => l + r,
  '-': (l, r) => l - r,
  '&': (l, r) => l & r,
  '|': (l, r) => l | r,
  '^': (l, r) => l ^ r,
  '/': (l, r) => l / r,
  '%': (l, r) => l % r,
  '<': (l, r) => truth(l < r),
  '<=': (l, r) => truth(l <= r),
  '>': (l, r) => truth(l > r),
  '>=': (l, r) => truth(l >= r),
  '==': (l, r) => truth(l === r),
  '!=': (l, r) => truth(l !== r),
}

function wrap(value: bigint, asUnsigned: boolean): bigint {
  return asUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)
}

function binary(sign: string, left: bigint, right: bigint): bigint {
  if (sign === '<<' || sign === '>>') {
    if (right < 0n || right > 63n) throw new Undefined()
    return wrap(sign === '<<' ? left << right : left >> right, unsigned(left))
  }
  const wide = unsigned(left) || unsigned(right)
  const [l, r] = [wrap(left, wide), wrap(right, wide)]
  if ((sign === '/' || sign === '%') && (r === 0n || (r === -1n && l === -(2n ** 63n)))) throw new Undefined()
  return wrap((OPERATIONS[sign] as Binary)(l, r), wide)
}

function reference(node: Node, event: Record<string, bigint>): bigint {
  if ('value' in node) return node.value
  if ('name' in node) return event[node.name] as bigint
  if ('test' in node) return reference(node.test, event) !== 0n ? reference(node.yes, event) : reference(node.no, event)
  if ('operand' in node) {
    const value = reference(node.operand, event)
    if (node.sign === '!') return truth(value === 0n)
    if (node.sign === '+') return value
    return wrap(node.sign === '-' ? -value : ~value, unsigned(value))
  }
  const left = reference(node.left, event)
  if (node.sign === '&&' && left === 0n) return 0n
  if (node.sign === '||' && left !== 0n) return 1n
  const right = reference(node.right, event)
  if (node.sign === '&&' || node.sign === '||') return truth(right !== 0n)
  return binary(node.sign, left, right)
}

function canonical(value: bigint): Value {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** As a getter may give it: a number where that is exact, a bigint, or decimal text. */
const form = fc.constantFrom<(value: bigint) => Value>(canonical, String, (value) => value)

function outcome(evaluate: () => Value): Value {
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof Undefined || error instanceof EvaluationError) return 'undefined in C'
    throw error
  }
}

test('random trees over random integers agree with BigInt arithmetic, in value and in form', () => {
  const event = fc.record({ a: anyInteger, b: anyInteger, c: anyInteger, d: anyInteger })
  const forms = fc.array(form, { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(node, event, forms, (tree, event, forms) => {
      const entries = Object.entries(event).map(([name, value], i) => [name, (forms[i] as (n: bigint) => Value)(value)])
      const given: Event = Object.fromEntries(entries)
      const source = print(tree)
      // a bare field is what the getter gave, text included: `+` makes an integer of it
      assert.strictEqual(
        outcome(() => evaluate(`+(${source})`, given)),
        outcome(() => canonical(reference(tree, event))),
        source,
      )
    }),
    { numRuns: 20_000 },
  )
})

test('every operator over every pair of edges agrees with BigInt arithmetic', () => {
  for (const sign of BINARY) {
    const compiled = compile<Event>(`a ${sign} b`, (name) => (event) => event[name])
    const tree = { sign, left: { name: 'a' }, right: { name: 'b' } }
    for (const a of SIGNED) {
      for (const b of SIGNED) {
        const expected = outcome(() => canonical(reference(tree, { a, b })))
        const got = outcome(() => compiled({ a: canonical(a), b: canonical(b) }))
        assert.strictEqual(got, expected, `${a} ${sign} ${b}`)
      }
    }
  }
})

test('quotients and remainders next to a multiple are exact', () => {
  const safe = fc.maxSafeInteger()
  fc.assert(
    fc.property(fc.integer({ min: 1 }), safe, fc.integer({ min: -1, max: 1 }), (b, about, off) => {
      const a = Math.trunc(about / b) * b + off
      if (!Number.isSafeInteger(a)) return
      assert.equal(evaluate('a / b', { a, b }), Number(BigInt(a) / BigInt(b)))
      assert.equal(evaluate('a % b', { a, b }), Number(BigInt(a) % BigInt(b)))
    }),
    { numRuns: 2000 },
  )
})
