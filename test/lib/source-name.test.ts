/** Writing lines anew with the receiver's src, against JSON.parse: whatever the order, the blanks, the escapes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hostNames, type SourceName, sourceName } from '../../lib/transport/source-name.js'
import { allocate, bytes } from '../../lib/wire/memory.js'
import { link } from '../../lib/wire/output.js'
import { LINE_ROOM, RecordView, rescan } from '../../lib/wire/record.js'

const room = allocate(LINE_ROOM + 256)
const text = room + 256
const guest = sourceName('vm"1')
const host = hostNames('node7')
let line = ''
let seen = { src: '', vm: '' }
const out = link(
  (record) => {
    seen = { src: record.src, vm: record.vm }
    line = record.line
  },
  () => {},
)

/** The line as it goes on, and the columns that a filter in the same process sees. */
function renamed(input: string, naming: SourceName = guest): { line: string; src: string; vm: string } {
  const view = new RecordView()
  view.row = rescan(text, text + bytes.write(input, text), room)
  naming.pass(view, out)
  return { line, ...seen }
}

function wanted(
  record: Record<string, unknown>,
  name: (said: unknown) => string = () => 'vm"1',
): Record<string, unknown> {
  const claims = Object.keys(record).filter((name) => ['src', 'vm', 'start_src', 'end_src'].includes(name))
  const named = Object.fromEntries(claims.map((claim) => [claim, name(record[claim])]))
  return { ...record, src: name(undefined), ...named }
}

/** Names as JSON may spell them. */
const name = fc
  .tuple(
    fc.constantFrom('ts', 'tsc', 'src', 'src', 'vm', 'start_src', 'end_src', 'event', 'type', 'args', 'srcs', 'x'),
    fc.nat(9),
  )
  .map(([word, way]) => ({
    word,
    spelt: way === 0 ? `"\\u00${word.charCodeAt(0).toString(16)}${word.slice(1)}"` : JSON.stringify(word),
  }))

function jsonOf(word: string): fc.Arbitrary<string> {
  if (word === 'ts' || word === 'tsc') return fc.bigInt(0n, 2n ** 63n - 1n).map((n) => `"${n}"`)
  if (word === 'args' || word === 'x') return fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value))
  if (word === 'type') return fc.constantFrom('"clock"', '"pair"', '"histogram"', 'null')
  if (word === 'event') return fc.constant('"e"')
  return fc.constantFrom('"host"', '"guest"', '""', 'null', '"a\\"b\\u00e9"', '"{,:}"')
}

const blank = fc.constantFrom('', '', '', ' ', '\t ')
const member = name.chain(({ word, spelt }) =>
  fc
    .tuple(fc.constant(spelt), jsonOf(word), blank, blank, blank, blank)
    .map(([n, v, a, b, c, d]) => `${a}${n}${b}:${c}${v}${d}`),
)

describe('src is what the receiver says', () => {
  test('in any line', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 7 }), blank, (members, indent) => {
        const input = `${indent}{${members.join(',')}}`
        const result = renamed(input)
        const record = wanted(JSON.parse(input))
        assert.deepEqual(JSON.parse(result.line), record)
        assert.deepEqual([result.src, result.vm], [record.src ?? '', record.vm ?? ''])
      }),
      { numRuns: 3000 },
    )
  })

  test('at its place in the canonical order, all else byte for byte', () => {
    const rest = '"event":"kvm:kvm_exit","cpu":1,"args":{"src":"x","address":18446744073709551615}}'
    for (const before of ['{"ts":"1",', '{"tsc":"18446744073709551615",', '{'])
      for (const src of ['', '"src":"host",', '"src":"a much longer name than that",'])
        assert.equal(renamed(`${before}${src}${rest}`).line, `${before}"src":"vm\\"1",${rest}`)
  })
})

describe("names of a host's machines stand behind its own", () => {
  const behind = (said: unknown) => (typeof said === 'string' && said !== '' ? `node7/${said}` : 'node7')

  test('in any line; what says none is the host itself', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 7 }), blank, (members, indent) => {
        const input = `${indent}{${members.join(',')}}`
        const result = renamed(input, host)
        const record = wanted(JSON.parse(input), behind)
        assert.deepEqual(JSON.parse(result.line), record)
        assert.deepEqual([result.src, result.vm], [record.src ?? '', record.vm ?? ''])
      }),
      { numRuns: 3000 },
    )
  })

  test("in a chain's stages, and no digit is lost", () => {
    const chain = '{"type":"chain","key":18446744073709551615,"stages":[{"src":"vm1","ts":"1"},{"src":""},{},7,null]}'
    assert.deepEqual(JSON.parse(renamed(chain, host).line), {
      ...{ type: 'chain', src: 'node7', key: '18446744073709551615' },
      stages: [{ src: 'node7/vm1', ts: '1' }, { src: 'node7' }, {}, 7, null],
    })
  })

  test('a loss is of the one machine that was heard, or of the host', () => {
    const fresh = hostNames('node8')
    assert.equal(fresh.only, 'node8')
    renamed('{"ts":"1","src":"vm1","event":"e"}', fresh)
    assert.equal(fresh.only, 'node8/vm1')
    renamed('{"ts":"1","src":"host","event":"e"}', fresh)
    assert.equal(fresh.only, 'node8')
  })
})
