/** What expressions mean: the four of the design, text, globs, missing fields, short circuits, nesting. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  compile,
  EvaluationError,
  ExpressionError,
  holds,
  MissingField,
  type Value,
} from '../../lib/expression/compile.js'
import { glob } from '../../lib/expression/glob.js'

type Event = Record<string, Value>

function evaluate(source: string, event: Event = {}): Value {
  return compile<Event>(source, (name) => (record) => (Object.hasOwn(record, name) ? record[name] : undefined))(event)
}

function failure(source: string, event: Event = {}): string {
  try {
    return `no failure but ${evaluate(source, event)}`
  } catch (error) {
    assert(error instanceof EvaluationError, String(error))
    return error.message
  }
}

test('the key of an MSI address: vCPU and cluster', () => {
  const key = '(((address>>18)&1)?42:0) + ((address>>12)&0x3f)'
  assert.equal(evaluate(key, { address: 4276097024 }), 1)
  assert.equal(evaluate(key, { address: '4276097024' }), 1)
  assert.equal(evaluate(key, { address: 4276097024n }), 1)
  assert.equal(evaluate(key, { address: 0xfee00000 + (1 << 18) + (5 << 12) }), 47)
})

test('the other expressions of the design', () => {
  assert.equal(evaluate('83-irq+32', { irq: 28 }), 87)
  assert.equal(evaluate('name~"virtio0-input*"', { name: 'virtio0-input.0' }), 1)
  assert.equal(evaluate('name~"virtio0-input*"', { name: 'virtio0-output.0' }), 0)
  assert.equal(evaluate('common_pid==26027', { common_pid: 26027 }), 1)
  assert.equal(evaluate('common_pid==26027', { common_pid: 26028 }), 0)
  const map = 'dst==0?(vec==36?26:vec==38?30:25):(vec==37?27:vec==38?31:vec==40?33:28)'
  const vectors = [36, 37, 38, 39, 40]
  assert.deepEqual(
    vectors.map((vec) => evaluate(map, { dst: 0, vec })),
    [26, 25, 30, 25, 25],
  )
  assert.deepEqual(
    vectors.map((vec) => evaluate(map, { dst: 1, vec })),
    [28, 27, 31, 28, 33],
  )
})

test('a name is asked for once, with its prefix', () => {
  const asked: string[] = []
  const sum = compile<Event>('pid + args.pid * pid + 0 * _x9', (name) => {
    asked.push(name)
    return (event) => event[name]
  })
  assert.deepEqual(asked, ['pid', 'args.pid', '_x9'])
  assert.equal(sum({ pid: 2, 'args.pid': 5, _x9: 1 }), 12)
})

test('a missing field is an error only where its value is wanted', () => {
  assert.throws(
    () => evaluate('irq + 1'),
    (error) =>
      error instanceof MissingField &&
      error instanceof EvaluationError &&
      error.field === 'irq' &&
      error.message === "the event has no field 'irq'",
  )
  for (const source of [
    'irq',
    'irq == 1',
    'irq == "a"',
    'irq ~ "*"',
    '!irq',
    'x == 1 && irq',
    'x == 2 || args.irq',
    'x ? irq : 2',
  ])
    assert.throws(() => evaluate(source, { x: 1 }), MissingField, source)
  const spared: [string, number][] = [
    ['0 && irq', 0],
    ['1 || irq', 1],
    ['x == 2 && irq == 1', 0],
    ['x == 1 || irq == 1', 1],
    ['x ? 3 : irq', 3],
    ['!x ? irq : 4', 4],
    ['x - 1 ? irq : x == 1 ? 5 : irq', 5],
    ['0 ? irq : 6', 6],
    ['(x || irq) && (x || irq)', 1],
  ]
  for (const [source, value] of spared) assert.equal(evaluate(source, { x: 1 }), value, source)
})

test('names such as __proto__ and toString are never looked up as anything but fields', () => {
  assert.throws(() => evaluate('toString'), MissingField)
  assert.throws(() => evaluate('args.hasOwnProperty'), MissingField)
})

test('text and integers', () => {
  const event = { comm: 'qemu', digits: '28', n: 28, wide: '18446744073709551615', minus: -1, odd: '007', empty: '' }
  const known: [string, Value][] = [
    ['comm', 'qemu'],
    ['wide', '18446744073709551615'],
    ['wide + 0', 18446744073709551615n],
    ['comm == "qemu"', 1],
    ['"qemu" != comm', 0],
    ["comm == 'qemu'", 1],
    ['n == "28"', 1],
    ['n == "0x1c"', 0],
    ['n + 0 == "28"', 1],
    ['odd == "007"', 1],
    ['digits == 28', 1],
    ['digits == n', 1],
    ['digits < 29', 1],
    ['minus == wide', 1],
    ['comm == comm', 1],
    ['comm != odd', 1],
    ['odd == digits', 0],
    ['digits != digits', 0],
    ['"a" == "a"', 1],
    ['(n ? "a" : "b") == "a"', 1],
    ['n ? "yes" : "no"', 'yes'],
    ['n == 1 ? "yes" : 5', 5],
    ['(n ? comm : n) == comm', 1],
    ['(n ? digits : comm) + 1', 29],
    ['n ~ "2?"', 1],
    ['n + 1 ~ "2[89]"', 1],
    ['-1 ~ "-*"', 1],
    ['comm !~ "qemu*"', 0],
    ['comm ~ "q*" == 1', 1],
    ['!empty', 1],
    ['!comm', 0],
    ['empty || 0', 0],
    ['comm && n', 1],
    ['!"0"', 1],
    [`${String.raw`"\x41\u00e9\101\t\"\\\U0001F600" == "AéA`}\t${String.raw`\"\\😀"`}`, 1],
    [String.raw`'\'' == "'"`, 1],
  ]
  for (const [source, value] of known) assert.equal(evaluate(source, event), value, source)
})

test('-1 as text is the largest unsigned integer as text, as C would have it', () => {
  assert.equal(evaluate('a == b', { a: '-1', b: '18446744073709551615' }), 1)
  assert.equal(evaluate('a != b', { a: '-1', b: '18446744073709551614' }), 1)
})

test('what cannot be read as an integer is named and shown, without control characters', () => {
  assert.equal(failure('comm + 1', { comm: 'qemu' }), `'comm' is "qemu", not an integer`)
  assert.equal(failure('-args.comm', { 'args.comm': 'qemu' }), `'args.comm' is "qemu", not an integer`)
  assert.equal(failure('comm < 1', { comm: '' }), `'comm' is "", not an integer`)
  assert.equal(failure('comm == 1', { comm: '007' }), `'comm' is "007", not an integer`)
  assert.equal(failure('a == b', { a: 7, b: 'x' }), `'b' is "x", not an integer`)
  assert.equal(failure('a < b', { a: 'y', b: 'x' }), `'a' is "y", not an integer`)
  assert.equal(failure('(a ? b : 1) + 1', { a: 1, b: 'x' }), `'b' is "x", not an integer`)
  assert.equal(
    failure('a + 1', { a: '\u001b[2J\u009b\u202e\n' }),
    String.raw`'a' is "\u001b[2J\x9b\u{202e}\n", not an integer`,
  )
  assert.equal(failure('a + 1', { a: 'z'.repeat(5000) }), `'a' is "${'z'.repeat(40)}…", not an integer`)
  for (const text of [
    '18446744073709551616',
    '-9223372036854775809',
    '-0',
    '00',
    '+1',
    ' 1',
    '1 ',
    '1e3',
    '0x1',
    '-',
    '１',
  ])
    assert.equal(failure('a + 1', { a: text }), `'a' is ${JSON.stringify(text)}, not an integer`)
})

test('a number that is no exact integer is an error wherever it stands', () => {
  for (const source of ['a', 'a + 1', 'a == "x"', 'a ~ "*"', '!a']) {
    assert.equal(failure(source, { a: 1.5 }), "'a' is 1.5, not an exact 64-bit integer")
    assert.equal(failure(source, { a: 2 ** 53 }), "'a' is 9007199254740992, not an exact 64-bit integer")
    assert.equal(failure(source, { a: Number.NaN }), "'a' is NaN, not an exact 64-bit integer")
    assert.equal(failure(source, { a: 2n ** 64n }), "'a' is 18446744073709551616, not an exact 64-bit integer")
  }
})

test('a getter may give -0 or a small bigint: the value is canonical', () => {
  assert.strictEqual(evaluate('a', { a: -0 }), 0)
  assert.strictEqual(evaluate('a', { a: 5n }), 5)
  assert.strictEqual(evaluate('a', { a: 2n ** 53n }), 2n ** 53n)
})

test('operations that C leaves undefined', () => {
  assert.equal(failure('1 / 0'), 'division by zero: 1 / 0')
  assert.equal(failure('a % b', { a: '18446744073709551615', b: 0 }), 'division by zero: 18446744073709551615 % 0')
  assert.equal(failure('a / -1', { a: '-9223372036854775808' }), 'the quotient overflows: -9223372036854775808 / -1')
  assert.equal(failure('1 << 64'), 'a shift by 64: it must be 0 to 63')
  assert.equal(failure('a >> b', { a: 1, b: -1 }), 'a shift by -1: it must be 0 to 63')
  assert.equal(failure('1 >> a', { a: '18446744073709551615' }), 'a shift by 18446744073709551615: it must be 0 to 63')
  assert.equal(evaluate('0 && 1 / 0'), 0)
  assert.equal(evaluate('1 ? 2 : 1 << 64'), 2)
})

test('what counts as true', () => {
  for (const value of [0, '', '0']) assert.equal(holds(value), false)
  for (const value of [1, -1, 2n ** 63n, 'a', '00', ' ']) assert.equal(holds(value), true)
})

test('200 levels and long rows evaluate', () => {
  const event = { a: 1 }
  assert.equal(evaluate(`${'('.repeat(200)}a${')'.repeat(200)}`, event), 1)
  assert.equal(evaluate(`${'(a+'.repeat(200)}a${')'.repeat(200)}`, event), 201)
  assert.equal(evaluate(`${'!('.repeat(200)}a${')'.repeat(200)}`, event), 1)
  assert.equal(evaluate(`${'- '.repeat(200)}a`, event), 1)
  assert.equal(evaluate(`${'a?'.repeat(200)}a${':a'.repeat(200)}`, event), 1)
  assert.equal(evaluate(Array(10_000).fill('a').join('+'), event), 10_000)
  assert.equal(evaluate(`${Array(10_000).fill('a').join('-')} + 5`, event), -9993)
  assert.equal(evaluate(Array(10_000).fill('a==2').join('||'), event), 0)
  assert.equal(evaluate(Array(10_000).fill('a').join('&&'), event), 1)
  assert.equal(evaluate(`${'a==2?1:'.repeat(8000)}7`, event), 7)
})

test('globs as the kernel reads them', () => {
  const known: [string, string, boolean][] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['**', 'abc', true],
    ['a', 'ab', false],
    ['?', '', false],
    ['?', '😀', true],
    ['*?', '😀', true],
    ['*[!a]?', 'b😀', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['virtio*-in?ut*', 'virtio0-input.0', true],
    ['[]a]', ']', true],
    ['[!]a]', 'b', true],
    ['[!]a]', ']', false],
    ['[a-]', '-', true],
    ['[a-c]x', 'bx', true],
    ['[c-a]', 'b', false],
    ['[^a]', '^', true],
    ['[^a]', 'b', false],
    ['[abc', '[abc', true],
    ['[', '[', true],
    ['[!', '[!', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\[a]', '[a]', true],
    ['a\\', 'a\\', true],
    ['*.c', 'a.c.c', true],
    ['a.c', 'abc', false],
  ]
  for (const [pattern, text, matches] of known) assert.equal(glob(pattern)(text), matches, `${text} ~ ${pattern}`)
})

test('globs match as the regular expressions they stand for', () => {
  const parts = {
    a: 'a',
    b: 'b',
    '*': '.*',
    '?': '.',
    '[ab]': '[ab]',
    '[!a]': '[^a]',
    '[a-c]': '[a-c]',
    '\\*': '\\*',
    '😀': '😀',
    '.': '\\.',
  }
  const pattern = fc.array(fc.constantFrom(...Object.entries(parts)), { maxLength: 8 })
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '*', '.', '😀', '\n'), { maxLength: 10 })
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      const oracle = new RegExp(`^(?:${pattern.map(([, expression]) => expression).join('')})$`, 'su')
      const subject = text.join('')
      assert.equal(glob(pattern.map(([part]) => part).join(''))(subject), oracle.test(subject))
    }),
    { numRuns: 5000 },
  )
})

test('a hostile text costs a glob linear time', () => {
  const text = 'a'.repeat(64 * 1024)
  const patterns = ['*a*a*a*b', '*a*a*a*a*a*a*a*a*a*[b]', '*?a*?a*?a*?b', `${'*a'.repeat(120)}*b`]
  const begun = performance.now()
  for (const pattern of patterns) assert.equal(glob(pattern)(text), false)
  assert(performance.now() - begun < 1000)
})

test('any string compiles or is an ExpressionError, and evaluates or is an EvaluationError', () => {
  const tokens = [
    ...[
      'a',
      'args.b',
      '1',
      '0x1f',
      '"s"',
      "'t*'",
      '18446744073709551615',
      ' ',
      '\n',
      '__proto__',
      'args',
      '.',
      '"',
      '\\',
    ],
    ...'+ - * / % & | ^ ~ << >> == != < <= > >= && || ! ? : ( ) !~ = += ++ [ ] , ; $ é 😀'.split(' '),
  ]
  const soup = fc.array(fc.constantFrom(...tokens), { maxLength: 20 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), fc.string()), (source) => {
      try {
        const value = evaluate(source, { a: 3, 'args.b': '-9223372036854775808' })
        assert(typeof value === 'string' || BigInt(value) >= -(2n ** 63n))
      } catch (error) {
        if (!(error instanceof ExpressionError || error instanceof EvaluationError)) throw error
      }
    }),
    { numRuns: 10_000 },
  )
})
