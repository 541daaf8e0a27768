/** Cycles of one machine to those of another and to ns, against the kernel's formulas in BigInt. */
import assert from 'node:assert/strict'
import {
  convert,
  freeClock,
  machineClock,
  parseFracBits,
  parseInteger64,
  parseKhz,
  parseRatio,
  type Transform,
} from '../../../lib/clock/machine-clock.js'
import { converted } from '../../reference/clock.js'
import type { Target } from '../target.js'

/** cycles offset ratio fraction kHz inverse, as a user would write them; `-` is none. */
export const clock: Target = {
  seeds: () =>
    [
      '622646838687 -530607982635 - 48 2445430 inverse',
      '18446744073709551606 16 281474976710656 48 -',
      '9007199254740993 0xffdafd48df582d22 4294967296 32 2445430.123456',
      '5 0 3 1 - inverse',
      '0 -244543 0xffffffffffffffff 63 1',
      '9223372036854775807 1 1 0 9999999999.999999',
    ].map((text) => Buffer.from(text)),
  words: [
    '-',
    ' ',
    '0x',
    '.',
    '18446744073709551615',
    '9223372036854775808',
    '-9223372036854775808',
    '281474976710656',
    '48',
    '63',
    '64',
    '2445430',
    'inverse',
  ],
  longest: 160,
  run(input) {
    const [cycles = '0', offset = '0', ratio = '-', fraction = '0', khz = '-', inverse] = input
      .toString('latin1')
      .split(' ')
    const given = read({ cycles, offset, ratio, fraction, khz })
    if (!given) return
    const transform: Transform = { ...given.transform, inverse: inverse === 'inverse' }
    const address = machineClock(transform)
    try {
      assert.equal(convert(address, given.cycles), converted(given.cycles, transform), input.toString('latin1'))
    } finally {
      freeClock(address)
    }
  },
}

type Words = Record<'cycles' | 'offset' | 'ratio' | 'fraction' | 'khz', string>

/** undefined: a word was refused, as it should be where it is none. */
function read({
  cycles,
  offset,
  ratio,
  fraction,
  khz,
}: Words): { cycles: bigint; transform: Omit<Transform, 'inverse'> } | undefined {
  const known = (parse: () => unknown, is: boolean, text: string) => {
    try {
      parse()
    } catch (error) {
      assert.ok(!is, `${JSON.stringify(text)} is refused: ${error}`)
      return false
    }
    assert.ok(is, `${JSON.stringify(text)} is taken`)
    return true
  }
  const wide = (text: string) => {
    const [, minus, digits] = /^(-?)(\d{1,20}|0x[0-9a-f]{1,16})$/i.exec(text) ?? []
    if (digits === undefined) return undefined
    const n = minus ? -BigInt(digits) : BigInt(digits)
    return n >= -(1n << 63n) && n < 1n << 64n ? n : undefined
  }
  const isRatio = ratio === '-' || (wide(ratio) ?? 0n) > 0n
  const isKhz = khz === '-' || (/^\d{1,10}(\.\d{1,6})?$/.test(khz) && Number(khz) > 0)
  const sound = [
    known(() => parseInteger64(cycles), wide(cycles) !== undefined, cycles),
    known(() => parseInteger64(offset), wide(offset) !== undefined, offset),
    known(() => ratio === '-' || parseRatio(ratio), isRatio, ratio),
    known(() => parseFracBits(fraction), /^\d{1,2}$/.test(fraction) && Number(fraction) < 64, fraction),
    known(() => khz === '-' || parseKhz(khz), isKhz, khz),
  ]
  if (sound.includes(false)) return undefined
  return {
    cycles: BigInt.asUintN(64, parseInteger64(cycles)),
    transform: {
      offset: parseInteger64(offset),
      ratio: ratio === '-' ? undefined : parseRatio(ratio),
      fracBits: parseFracBits(fraction),
      rate: khz === '-' ? undefined : parseKhz(khz),
    },
  }
}
