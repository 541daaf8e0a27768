/** Conversions of cycles: known answers, and against the formulas of the kernel in BigInt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  convert,
  machineClock,
  parseFracBits,
  parseInteger64,
  parseKhz,
  parseRatio,
  type Transform,
} from '../../lib/clock/machine-clock.js'
import { converted, i64, u64 } from '../reference/clock.js'

const word = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: (1n << 53n) - 9n, max: (1n << 53n) + 9n }),
)
const ratio = fc.oneof(
  fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
  // what hardware has: around 1.0
  fc.bigInt({ min: 1n << 47n, max: 1n << 50n }),
)
const khz = fc.oneof(
  fc.integer({ min: 1, max: 9_999_999 }).map(String),
  fc
    .tuple(fc.integer({ min: 1, max: 9_999_999 }), fc.integer({ min: 0, max: 999_999 }))
    .map(([a, b]) => `${a}.${String(b).padStart(6, '0')}`),
)

/** One place for all runs: a clock takes memory for good. */
const run = (cycles: bigint, transform: Transform) => convert(machineClock(transform), cycles)

function scaling() {
  return fc.oneof(
    fc.constant({}),
    fc.record({ ratio, fracBits: fc.integer({ min: 0, max: 63 }) }),
    fc.record({ ratio: fc.bigInt({ min: 1n << 47n, max: 1n << 50n }), fracBits: fc.constant(48) }),
  )
}

test('any 64-bit value, offset, ratio and frequency, both ways, is what BigInt says', () => {
  fc.assert(
    fc.property(
      word,
      word,
      scaling(),
      fc.boolean(),
      fc.option(khz, { nil: undefined }),
      (cycles, offset, scale, inverse, frequency) => {
        const transform: Transform = {
          inverse,
          offset: i64(offset),
          ...scale,
          rate: frequency === undefined ? undefined : parseKhz(frequency),
        }
        assert.equal(run(cycles, transform), converted(cycles, transform))
      },
    ),
    { numRuns: 5000 },
  )
})

test('there and back is within one cycle of the coarser counter', () => {
  const near = fc.bigInt({ min: 1n << 46n, max: 1n << 50n })
  const time = fc.bigInt({ min: 0n, max: 1n << 61n })
  fc.assert(
    fc.property(time, near, fc.bigInt({ min: -(1n << 40n), max: 1n << 40n }), (host, r, offset) => {
      const scale = { offset, ratio: r, fracBits: 48 }
      const guest = run(host, { ...scale, inverse: false }) as bigint
      const back = run(guest, { ...scale, inverse: true }) as bigint
      const one = 1n << 48n
      if (r >= one) assert.equal(back, host)
      else assert(back <= host && (host - back) * r < one, `${host} ${back}`)
      const again = run(back, { ...scale, inverse: false }) as bigint
      assert.equal(again, guest)
      const other = run(run(host, { ...scale, inverse: true }) ?? 0n, { ...scale, inverse: false }) as bigint
      if (r <= one && u64(host - offset) < 1n << 61n) assert.equal(other, host)
    }),
    { numRuns: 2000 },
  )
})

test('an offset as debugfs writes it, as kvm_write_tsc_offset does, and in hexadecimal', () => {
  assert.equal(parseInteger64('0xffdafd48df582d22'), -10417559688434398n)
  assert.equal(parseInteger64('18446743988770976208'), -84938575408n)
  assert.equal(parseInteger64('-530607982635'), -530607982635n)
  assert.equal(parseInteger64('-9223372036854775808'), -(1n << 63n))
  for (const wrong of [
    '',
    '1e3',
    '0x',
    '12 ',
    '18446744073709551616',
    '-9223372036854775809',
    '0x10000000000000000',
    'x',
  ])
    assert.throws(() => parseInteger64(wrong), Error, wrong)
})

test('host 2^64-10 with offset 16 is 6', () => {
  assert.equal(run((1n << 64n) - 10n, { inverse: false, offset: 16n }), 6n)
  assert.equal(run(6n, { inverse: true, offset: 16n }), -10n)
})

test('what a comment says: ratio 3/2', () => {
  const scale = { offset: 0n, ratio: 3n, fracBits: 1 }
  assert.equal(run(5n, { ...scale, inverse: false }), 7n)
  assert.equal(run(7n, { ...scale, inverse: true }), 5n)
  assert.equal(run(8n, { ...scale, inverse: true }), 6n)
  assert.equal(run(6n, { ...scale, inverse: false }), 9n)
})

test('nanoseconds at 2445430 kHz', () => {
  const rate = parseKhz('2445430')
  assert.deepEqual(rate, { num: 100000n, den: 244543n })
  assert.equal(run(622646838687n, { inverse: false, offset: -530607982635n, rate }), 37637084705n)
  // above 2^53 cycles, and above 2^53 ns
  assert.equal(run(9007199254740993n, { inverse: false, offset: 0n, rate }), 3683278300642828n)
  // before the guest's counter was 0: downwards
  assert.equal(run(0n, { inverse: false, offset: -1n, rate }), -1n)
  assert.equal(run(0n, { inverse: false, offset: -244543n, rate }), -100000n)
})

test('a frequency with decimals loses nothing', () => {
  const rate = parseKhz('2445430.123456')
  assert.equal(run(2445430123456n, { inverse: false, offset: 0n, rate }), 1000_000_000_000n)
  assert.equal(run(2445430123455n, { inverse: false, offset: 0n, rate }), 999_999_999_999n)
  for (const wrong of ['0', '0.0', '', '-1', '1.1234567', '2.4e6', '12345678901'])
    assert.throws(() => parseKhz(wrong), Error, wrong)
})

test('what needs more than 64 bits is refused', () => {
  assert.equal(run(1n << 62n, { inverse: false, offset: 0n, rate: parseKhz('1') }), undefined)
  assert.equal(run(1n << 62n, { inverse: true, offset: 0n, ratio: 1n, fracBits: 48 }), undefined)
})

test('ratio and fraction bits', () => {
  assert.equal(parseRatio('281474976710656'), 1n << 48n)
  assert.equal(parseRatio('0xffffffffffffffff'), (1n << 64n) - 1n)
  for (const wrong of ['0', '-1', 'x']) assert.throws(() => parseRatio(wrong), Error, wrong)
  assert.equal(parseFracBits('48'), 48)
  for (const wrong of ['64', '-1', '', '4.5']) assert.throws(() => parseFracBits(wrong), Error, wrong)
})
