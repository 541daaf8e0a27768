/** The record view against JSON.parse: it takes the same lines, and reads the same from them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { allocate, bytes, scanner, words } from '../../lib/wire/memory.js'
import { memberName, RecordView } from '../../lib/wire/record.js'
import { HAS, HAS_BROKEN, LINE_ROOM_FOR_TESTS, ROW_WORDS } from '../support/row.js'

const room = allocate(LINE_ROOM_FOR_TESTS)
const row = allocate(ROW_WORDS * 4)

/** The view on one line, or null where the scanner refuses it. */
function scan(line: string | Buffer): RecordView | null {
  const length = typeof line === 'string' ? bytes.write(line, room, 'utf8') : line.copy(bytes, room)
  bytes[room + length] = 10
  const count = scanner.scan(room, room + length + 1, row, 1)
  if (count === 0) return null
  assert.equal(scanner.scannedTo(), room + length + 1)
  const view = new RecordView()
  view.row = row >> 2
  return (words[view.row + HAS] as number) & HAS_BROKEN ? null : view
}

function isObject(text: string): boolean {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

const names = [
  'ts',
  'tsc',
  'src',
  'event',
  'cpu',
  'pid',
  'comm',
  'flags',
  'args',
  'key',
  'vm',
  'type',
  'start',
  'end',
  'delta_ns',
  'text',
  '__proto__',
  'constructor',
  'x',
  'évé',
  'a"b',
  '\u0000',
]
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('any'), { maxKeys: 4 }),
  ),
})).any
const object = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 8 })

/** An object as JSON text, members possibly twice, some names with escapes, blanks here and there. */
const objectText = fc
  .tuple(object, fc.array(fc.constantFrom('', '', ' ', '\t', ' \r'), { minLength: 1 }), fc.boolean())
  .map(([members, blanks, escapes]) => {
    let turn = 0
    const blank = () => blanks[turn++ % blanks.length] ?? ''
    const name = (text: string) => (escapes ? JSON.stringify(text).replace('t', '\\u0074') : JSON.stringify(text))
    return `${blank()}{${members.map(([n, v]) => `${blank()}${name(n)}${blank()}:${blank()}${JSON.stringify(v)}${blank()}`).join(',')}${blank()}}${blank()}`
  })

describe('the view', () => {
  test('reads every member as JSON.parse reads it', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const view = scan(text)
        assert.ok(view, text)
        const wanted = JSON.parse(text)
        for (const name of names) {
          const json = view.json(memberName(name))
          if (!Object.hasOwn(wanted, name)) assert.equal(json, undefined, name)
          else assert.deepEqual(JSON.parse(json as string), wanted[name], `${name} in ${text}`)
        }
        if (typeof wanted.event === 'string' && Buffer.byteLength(wanted.event) <= 256)
          assert.equal(view.event, wanted.event)
        if (typeof wanted.comm === 'string') assert.equal(view.comm, wanted.comm)
      }),
      { numRuns: 3000 },
    )
  })

  test('takes and refuses what JSON.parse takes and refuses, with characters changed at random', () => {
    const edit = fc.tuple(
      fc.nat(),
      fc.constantFrom(
        '',
        '"',
        '\\',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '0',
        '-',
        '.',
        'e',
        '+',
        'u',
        'é',
        '\u0001',
        'true',
        'nul',
        ' ',
      ),
      fc.integer({ min: 0, max: 3 }),
    )
    fc.assert(
      fc.property(objectText, fc.array(edit, { maxLength: 3 }), (text, edits) => {
        let line = text
        for (const [at, put, remove] of edits) {
          const place = line.length === 0 ? 0 : at % line.length
          line = line.slice(0, place) + put + line.slice(place + remove)
        }
        if (
          /\n/.test(line) ||
          line.trim() === '' ||
          /[\ud800-\udfff]/.test(line.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''))
        )
          return
        assert.equal(scan(line) !== null, isObject(line), line)
      }),
      { numRuns: 10000 },
    )
  })

  test('takes UTF-8 and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (raw) => {
        const line = Buffer.concat([Buffer.from('{"comm":"'), Buffer.from(raw), Buffer.from('"}')])
        if (line.includes(10)) return
        let text: string | null = null
        try {
          text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)
        } catch {
          text = null
        }
        assert.equal(scan(line) !== null, text !== null && isObject(text))
      }),
      { numRuns: 10000 },
    )
  })

  test('keeps all digits of 64-bit integers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (n) => {
        const quoted = scan(`{"ts":"${n}","key":"${n}"}`) as RecordView
        assert.equal(quoted.time, BigInt.asIntN(64, n))
        assert.equal(BigInt(quoted.key as bigint), n)
        const bare = scan(`{"tsc":${n},"key":${n}}`) as RecordView
        assert.equal(bare.time, BigInt.asIntN(64, n))
        assert.equal(BigInt(bare.key as bigint), n)
      }),
    )
  })

  test('the second of two members counts', () => {
    const view = scan('{"cpu":1,"cpu":2,"event":"a","event":"b","args":{"x":1},"args":{"x":2}}') as RecordView
    assert.equal(view.cpu, 2)
    assert.equal(view.event, 'b')
    assert.equal(view.arg(memberName('x')), 2)
  })

  test('comm, flags and text are strings, or are not there', () => {
    for (const value of ['{"a":1}', '["a"]', '7', 'null', 'true']) {
      const { comm, flags, text } = scan(`{"comm":${value},"flags":${value},"text":${value}}`) as RecordView
      assert.deepEqual([comm, flags, text], [undefined, undefined, undefined], value)
    }
    assert.equal(scan('{"comm":"{\\u0022a\\u0022:1}"}')?.comm, '{"a":1}')
  })

  test('a name with a lone surrogate behind another letter of its row is that name', () => {
    for (const name of ['\ud21d\ude07', '\uac00\ud800x', '\ud800\uac00\udfff', '\ud7ff'])
      assert.equal((scan(JSON.stringify({ src: name })) as RecordView).src, name)
  })

  test('nesting is followed to 128 and no further', () => {
    const nested = (n: number) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`
    assert.ok(scan(nested(127)))
    assert.equal(scan(nested(128)), null)
    assert.equal(scan(nested(100_000)), null)
  })
})
