/** Every refusal of an expression, with its message and its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, ExpressionError } from '../../lib/expression/compile.js'

function refusal(source: string, field: (name: string) => () => number = () => () => 1): ExpressionError {
  try {
    compile(source, field)
  } catch (error) {
    assert(error instanceof ExpressionError, String(error))
    return error
  }
  return assert.fail(`${source} was accepted`)
}

const REFUSED: [source: string, column: number, reason: string][] = [
  ['constructor == 1', 1, "'constructor' is not a field"],
  ['a == __proto__', 6, "'__proto__' is not a field"],
  ['args.prototype', 1, "'args.prototype' is not a field"],
  ['args.__proto__', 1, "'args.__proto__' is not a field"],
  ['a.b', 1, "'a.b' is not a field: only args.<name> has a dot"],
  ['1 + args.a.b', 5, "'args.a.b' is not a field: only args.<name> has a dot"],
  ['args.', 1, "'args.' is not a field: only args.<name> has a dot"],
  ['args.0', 1, "'args.0' is not a field: only args.<name> has a dot"],
  ['f(x)', 1, "'f' cannot be called: there are no functions"],
  ['1 + f (x)', 5, "'f' cannot be called: there are no functions"],
  ['(a)(b)', 4, "an operator is missing before '('"],
  ['a[0]', 1, "'a' cannot be indexed: there are no arrays"],
  ['(a)[0]', 4, "'[' means nothing in an expression"],
  ['a = 1', 3, "'=' assigns, and an expression cannot: did you mean ==?"],
  ['a=-1', 2, "'=' assigns, and an expression cannot: did you mean ==?"],
  ['a += 1', 3, "'+=' assigns, and an expression cannot"],
  ['a -= 1', 3, "'-=' assigns, and an expression cannot"],
  ['a *= 1', 3, "'*=' assigns, and an expression cannot"],
  ['a /= 1', 3, "'/=' assigns, and an expression cannot"],
  ['a %= 1', 3, "'%=' assigns, and an expression cannot"],
  ['a &= 1', 3, "'&=' assigns, and an expression cannot"],
  ['a |= 1', 3, "'|=' assigns, and an expression cannot"],
  ['a ^= 1', 3, "'^=' assigns, and an expression cannot"],
  ['a <<= 1', 3, "'<<=' assigns, and an expression cannot"],
  ['a >>= 1', 3, "'>>=' assigns, and an expression cannot"],
  ['a ||= 1', 3, "'||=' assigns, and an expression cannot"],
  ['a++', 2, "'++' is not an operator"],
  ['++a', 1, "'++' is not an operator"],
  ['a--1', 2, "'--' is not an operator"],
  ['a === 1', 3, "'===' is not an operator: did you mean ==?"],
  ['a !== 1', 3, "'!==' is not an operator: did you mean !=?"],
  ['a <> 1', 3, "'<>' is not an operator: did you mean !=?"],
  ['a =~ "x"', 3, "'=~' is not an operator: did you mean ~?"],
  ['a => 1', 3, "'=>' is not an operator: did you mean >=?"],
  ['a ** 2', 3, "'**' is not an operator"],
  ['a->b', 2, "'->' is not an operator"],
  ['a and b', 3, "'and' is not an operator: did you mean &&?"],
  ['a or b', 3, "'or' is not an operator: did you mean ||?"],
  ['`a`', 1, "'`' means nothing in an expression"],
  ['a $ b', 3, "'$' means nothing in an expression"],
  ['a; b', 2, "';' means nothing in an expression"],
  ['a, b', 2, "',' means nothing in an expression"],
  ['a == é', 6, "'é' means nothing in an expression"],
  ['a \\ b', 3, "'\\' means nothing in an expression"],
  ['18446744073709551616', 1, '18446744073709551616 does not fit into 64 bits'],
  ['a < 0x10000000000000000', 5, '0x10000000000000000 does not fit into 64 bits'],
  ['010', 1, "'010' has a leading zero: octal is not understood"],
  ['1.5', 1, "'1.5' is not an integer"],
  ['12ab', 1, "'12ab' is not an integer"],
  ['0x', 1, "'0x' is not an integer"],
  ['1UL', 1, "'1UL' is not an integer"],
  ['', 1, 'the expression is empty'],
  ['  ', 1, 'the expression is empty'],
  ['a == "b', 6, 'the string has no end'],
  ["'b", 1, 'the string has no end'],
  ['"b\\"', 1, 'the string has no end'],
  ['"b\\q"', 3, "'\\q' is not an escape"],
  ['"\\ud800"', 2, "'\\ud800' is not a character"],
  ['"\\UFFFFFFFF"', 2, "'\\UFFFFFFFF' is not a character"],
  ['a b', 3, "an operator is missing before 'b'"],
  ['a 1', 3, "an operator is missing before '1'"],
  ['a "b"', 3, `an operator is missing before '"'`],
  ['a !b', 3, "an operator is missing before '!'"],
  ['a * / b', 5, "a value is missing before '/'"],
  ['== 1', 1, "a value is missing before '=='"],
  ['()', 2, "a value is missing before ')'"],
  ['a +', 4, 'the expression ends where a value is missing'],
  ['(a', 1, "'(' is not closed"],
  ['((a)', 1, "'(' is not closed"],
  ['a)', 2, "')' closes nothing"],
  ['a ? 1', 3, "'?' has no ':'"],
  ['(a ? 1)', 4, "'?' has no ':'"],
  ['a : 1', 3, "':' has no '?'"],
  ['a + "b"', 5, 'a string stands where an integer is wanted'],
  ['"5" < a', 1, 'a string stands where an integer is wanted'],
  ['-"5"', 2, 'a string stands where an integer is wanted'],
  ['a && (a ? "x" : 1) + 1', 11, 'a string stands where an integer is wanted'],
  ['0 && "x" * 2', 6, 'a string stands where an integer is wanted'],
  ['a ~ b', 3, 'the right side of ~ must be a pattern in quotes'],
  ['a !~ 5', 3, 'the right side of ~ must be a pattern in quotes'],
]

for (const [source, column, reason] of REFUSED) {
  test(`refused: ${source}`, () => {
    const error = refusal(source)
    assert.equal(error.message, `${reason}\n  ${source}\n  ${' '.repeat(column - 1)}^`)
    assert.equal(error.reason, reason)
    assert.equal(error.column, column)
  })
}

test('a name that the caller refuses is pointed at where it first stands', () => {
  const cause = new Error("'nope' is no field of irq:irq_handler_entry")
  const error = refusal('1 + nope * nope', () => {
    throw cause
  })
  assert.equal(error.message, "'nope' is no field of irq:irq_handler_entry\n  1 + nope * nope\n      ^")
  assert.equal(error.cause, cause)
  const dead = refusal('0 && x', () => {
    throw 'no x'
  })
  assert.equal(dead.reason, 'no x')
})

test('nesting deeper than 200 is refused, however it is made, and never overflows the stack', () => {
  const deep = [
    `${'('.repeat(201)}a${')'.repeat(201)}`,
    '('.repeat(60_000),
    `${'!'.repeat(201)}a`,
    `${'~'.repeat(60_000)}a`,
    `${'a?'.repeat(201)}a${':a'.repeat(201)}`,
    'a?'.repeat(30_000),
    `a${'==a'.repeat(201)}`,
    `${'(a||a&&a|a^a&a==a<a<<a+a*'.repeat(200)}a${')'.repeat(200)}`,
  ]
  for (const source of deep) assert.equal(refusal(source).reason, 'nested deeper than 200')
})

test('a source longer than 64 KiB is refused', () => {
  assert.equal(refusal('a'.repeat(65_537)).reason, 'the expression is longer than 64 KiB')
  assert.equal(typeof compile(`a${' '.repeat(65_535)}`, () => () => 1), 'function')
})

test('a pattern longer than 256 characters is refused', () => {
  const error = refusal(`a ~ "${'x'.repeat(257)}"`)
  assert.equal(error.reason, 'a pattern is at most 256 characters long')
  assert.equal(error.column, 5)
})

test('a long source is shown in a window of 100 columns around the place', () => {
  for (const [before, after] of [
    [500, 500],
    [3, 500],
    [500, 0],
    [99, 99],
  ] as const) {
    const [, shown = '', caret = ''] = refusal(`${'1+'.repeat(before)}$${'+2'.repeat(after)}`).message.split('\n')
    assert(shown.length <= 102, `${shown.length}`)
    assert.equal(shown[caret.indexOf('^')], '$')
    assert.equal(shown.startsWith('  …'), before > 3)
    assert.equal(shown.endsWith('…'), after > 0)
  }
})

test('control and formatting characters of the source are shown escaped, and the caret stays in its place', () => {
  assert.equal(refusal('a\n\t= 1').message.split('\n')[1], '  a\\x0a\\x09= 1')
  assert.equal(refusal('a\n\t= 1').message.split('\n')[2], `  ${' '.repeat(9)}^`)
  assert.equal(refusal('"\u001b\u202e" $').message.split('\n')[1], '  "\\x1b\\u{202e}" $')
  assert.equal(refusal('a \u0000').reason, "'\\x00' means nothing in an expression")
  assert.equal(refusal('"\\\u001b"').reason, "'\\\\x1b' is not an escape")
  assert.equal(refusal('"😀" $').column, 5)
})
