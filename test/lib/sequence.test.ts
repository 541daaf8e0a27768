/**
 * Sequences drawn of names that a guest chose: whatever they hold, a drawing has no lines, markup or control
 * characters but its own; and what tracing added, taken out: the totals are what was told.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { jsSequence, readStep } from '../../lib/drawing/js-sequence.js'
import { mermaid, participants, type Step } from '../../lib/drawing/sequence.js'
import { sequencesSvg } from '../../lib/drawing/sequence-svg.js'
import { withoutTracing } from '../../lib/statistics/overhead.js'

const signs = ['<', '>', '&', '"', "'", ':', '-', '->', '\n', '\r', '\x1b', '\u202e', '\u200f', '#', ';', '%%{', '}%%']
const words = [
  'end',
  'as',
  'note over a',
  'participant',
  'title',
  'script',
  '\\n',
  '\ud800',
  '\uffff',
  'vm1',
  ' ',
  '名',
]
const name = fc
  .array(fc.oneof(fc.constantFrom(...signs, ...words), fc.string()), { maxLength: 6 })
  .map((all) => all.join(''))
const step: fc.Arbitrary<Step> = fc.record({
  from: name,
  to: name,
  text: name,
  time: fc.constant('4.000 us'),
  share: fc.constant(0.5),
})
const sequence = fc.record({
  title: name,
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  remarks: fc.array(name, { maxLength: 2 }),
})

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function linesOf(text: string): string[] {
  assert.ok(text.endsWith('\n'))
  const lines = text.slice(0, -1).split('\n')
  for (const line of lines) assert.doesNotMatch(line, UNSEEN)
  return lines
}

describe('names can do nothing to', () => {
  test('mermaid', () => {
    fc.assert(
      fc.property(sequence, (drawn) => {
        const lines = linesOf(mermaid(drawn))
        assert.equal(lines.length, 2 + participants(drawn.steps).length + drawn.steps.length + drawn.remarks.length)
        for (const line of lines.slice(1, lines.length - drawn.remarks.length)) {
          assert.match(line, /^ {2}(title |participant p\d+ as |p\d+->>p\d+: )/)
          assert.doesNotMatch(line.replace(/#\d+;/g, ''), /[#;<&%]/)
        }
      }),
    )
  })

  test('js-sequence, which is read again as it was', () => {
    fc.assert(
      fc.property(sequence, (drawn) => {
        const lines = linesOf(jsSequence(drawn))
        assert.equal(lines.length, 1 + drawn.steps.length + drawn.remarks.length)
        assert.ok(
          !lines
            .slice(0, 1 + drawn.steps.length)
            .join('')
            .includes('<'),
        )
        const read = lines.slice(1, 1 + drawn.steps.length).map((line) => readStep(line))
        for (const [i, { from, to }] of drawn.steps.entries()) {
          assert.equal(read[i]?.from === read[i]?.to, from === to)
          assert.match(read[i]?.text ?? '', /4\.000 us$/)
        }
        assert.equal(participants(read.filter((each) => each !== null)).length, participants(drawn.steps).length)
      }),
    )
  })

  test('SVG', () => {
    fc.assert(
      fc.property(sequence, (drawn) => {
        const text = linesOf(sequencesSvg([drawn])).join('\n')
        const marks = text.match(/<[^>]*>/g) ?? []
        for (const mark of marks) assert.match(mark, /^<\/?(svg|title|style|rect|g|text|line|path)[ >]/)
        const outside = text.replace(/<style>.*<\/style>/, '').replace(/<[^>]*>/g, '')
        assert.doesNotMatch(outside.replace(/&#\d+;/g, ''), /[<>&"'\ufffe\uffff]/)
      }),
    )
  })
})

describe('what tracing added', () => {
  const part = fc.record({ ns: fc.integer({ min: 0, max: 1e6 }), probes: fc.integer({ min: 1, max: 9 }) })
  for (const method of ['scale', 'subtract'] as const)
    test(`${method}: what is left is the total untraced, and no part takes less than nothing`, () => {
      fc.assert(
        fc.property(
          fc.array(part, { minLength: 1, maxLength: 9 }),
          fc.nat(1e6),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (parts, rest, of) => {
            const sum = parts.reduce((total, { ns }) => total + ns, 0)
            const untraced = rest + Math.floor(sum * of)
            const { times } = withoutTracing(parts, { traced: sum + rest, untraced }, method)
            for (const [i, time] of times.entries()) assert.ok(time >= -1e-6 && time <= (parts[i]?.ns ?? 0) + 1e-6)
            const left = times.reduce((total, time) => total + time, rest)
            assert.ok(Math.abs(left - untraced) < 1e-3, `${left} is not ${untraced}`)
          },
        ),
      )
    })

  test('totals that no parts have', () => {
    const parts = [{ ns: 10, probes: 1 }]
    assert.throws(() => withoutTracing(parts, { traced: 10, untraced: 11 }, 'scale'), /longer without tracing/)
    assert.throws(() => withoutTracing(parts, { traced: 9, untraced: 5 }, 'scale'), /parts take longer/)
    assert.throws(() => withoutTracing(parts, { traced: 30, untraced: 19 }, 'subtract'), /tracing adds more/)
  })
})
