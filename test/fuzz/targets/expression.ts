/** Expressions: values against BigInt's, refusals that are told, and globs against a matcher that tries everything. */
import assert from 'node:assert/strict'
import { compile, EvaluationError, ExpressionError, type Value } from '../../../lib/expression/compile.js'
import { glob } from '../../../lib/expression/glob.js'
import { evaluate } from '../../reference/expression.js'
import { globMatches } from '../../reference/glob.js'
import type { Target } from '../target.js'

const fields: Record<string, bigint> = {
  a: 0n,
  b: -1n,
  c: 1n << 63n,
  d: (1n << 64n) - 1n,
  e: -(1n << 63n),
  f: 4276097024n,
  g: (1n << 53n) + 1n,
  h: 63n,
  i: 13n,
  j: -7n,
  k: (1n << 53n) - 1n,
  l: 4294967296n,
}
const texts: Record<string, Value> = {
  name: 'virtio0-input.0',
  comm: 'CPU 0/KVM',
  empty: '',
  digits: '28',
  wide: '18446744073709551615',
}

function fieldNamed(name: string): Value | undefined {
  const bare = name.replace(/^args\./, '')
  const value = Object.hasOwn(fields, bare) ? (fields[bare] as bigint) : undefined
  if (value !== undefined) return Number.isSafeInteger(Number(value)) ? Number(value) : value
  return Object.hasOwn(texts, bare) ? texts[bare] : undefined
}

export const expression: Target = {
  seeds: () =>
    [
      '(((f>>18)&1)?42:0) + ((f>>12)&0x3f)',
      '83-i+32',
      'name~"virtio0-input*" && comm !~ "CPU [0-9]/*"',
      'a-b-c/d*e%g|h^i&j<<3>>k==l!=1<2<=3>4>=5',
      '!a || ~b && -c ? +d : e ? f : g',
      'args.f + digits == wide || "x\\u0041\\x41\\101\\n" != empty',
      "comm == 'CPU 0/KVM'",
      '((((((((a+1)*2)-3)/4)%5)<<6)&7)|8)^0xffffffffffffffff',
    ].map((text) => Buffer.from(text, 'latin1')),
  words: [
    ...'|| && | ^ & == != ~ !~ < <= > >= << >> + - * / % ! ? : ( ) [ ] " \' \\ , ; = ++ -- += === ->'.split(' '),
    ...'a b c d e f g h i j k l name comm empty digits wide args. 0x 0xffffffffffffffff 18446744073709551615 18446744073709551616'.split(
      ' ',
    ),
    ...[
      '9223372036854775807',
      '9223372036854775808',
      '9007199254740991',
      '9007199254740993',
      '63',
      '64',
      ' ',
      '\t',
      '*',
      '[!a-z]',
      '[]-a]',
      '\\*',
      '(a)',
      ' ? 1 : 2',
    ],
  ],
  longest: 512,
  run(input) {
    const source = input.toString('latin1')
    matches(source)
    const wanted = evaluate(source, fields)
    let holds: (record: object) => Value
    try {
      holds = compile<object>(source, (name) => () => fieldNamed(name))
    } catch (error) {
      assert.ok(error instanceof ExpressionError, String(error))
      assert.ok(!/[^\n -~\u00a0-\uffff]/.test(error.message), `a control character in ${JSON.stringify(error.message)}`)
      assert.equal(wanted, undefined, `refused, ${error.reason}: ${source}`)
      return
    }
    let value: Value | null
    try {
      value = holds({})
    } catch (error) {
      assert.ok(error instanceof EvaluationError, String(error))
      value = null
    }
    if (wanted === undefined) return
    assert.equal(value === null ? null : BigInt(value), wanted, source)
  },
}

/** The first line is a pattern, the second a text. */
function matches(source: string): void {
  const [pattern = '', text = ''] = source.split('\n')
  if (pattern.length > 40 || text.length > 40) return
  assert.equal(glob(pattern)(text), globMatches(pattern, text), JSON.stringify([pattern, text]))
}
