/** Changed inputs: bytes, words, numbers and lines put in, taken out, doubled, moved, and taken from other inputs. */
import type { Random } from '../faults/random.js'

type Change = (input: Buffer, chance: Random, words: readonly string[], others: readonly Buffer[]) => Buffer

const numbers = ['0', '-1', '1', '65535', '65536', '2147483647', '2147483648', '4294967295', '4294967296']
const wide = ['9007199254740991', '9007199254740993', '9223372036854775807', '9223372036854775808']
const digits = [...numbers, ...wide, '18446744073709551615', '18446744073709551616', '007', '1e3', '0.5', '-0']
const bytes = [0, 1, 9, 10, 13, 32, 34, 48, 57, 58, 92, 123, 125, 127, 128, 0xbf, 0xc2, 0xed, 0xff]
const words64 = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 59n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
]

const changes: readonly Change[] = [
  function flip(input, { below }) {
    if (input.length === 0) return input
    const made = Buffer.from(input)
    const at = below(made.length)
    made[at] = (made[at] as number) ^ (1 << below(8))
    return made
  },
  function set(input, { below, of }) {
    if (input.length === 0) return input
    const made = Buffer.from(input)
    made[below(made.length)] = below(2) ? below(256) : of(bytes)
    return made
  },
  function integer(input, { below, of }) {
    const size = of([2, 4, 8])
    if (input.length < size) return input
    const made = Buffer.from(input)
    const at = below(made.length - size + 1)
    const value = BigInt.asUintN(size * 8, of(words64))
    for (let i = 0; i < size; i++) made[at + i] = Number((value >> BigInt(8 * i)) & 0xffn)
    return made
  },
  function remove(input, { below }) {
    const [from, length] = stretch(input, below)
    return Buffer.concat([input.subarray(0, from), input.subarray(from + length)])
  },
  function double(input, { below }) {
    const [from, length] = stretch(input, below)
    return insert(input, below(input.length + 1), input.subarray(from, from + length))
  },
  function put(input, { below, of }) {
    return insert(input, below(input.length + 1), Buffer.of(below(2) ? below(256) : of(bytes)))
  },
  function word(input, { below, of }, words) {
    return words.length === 0 ? input : insert(input, below(input.length + 1), Buffer.from(of(words), 'latin1'))
  },
  function overwrite(input, { below, of }, words) {
    if (words.length === 0) return input
    const text = Buffer.from(of(words), 'latin1')
    const at = below(input.length + 1)
    return Buffer.concat([input.subarray(0, at), text, input.subarray(at + text.length)])
  },
  function number(input, { below, of }) {
    const found = [...input.toString('latin1').matchAll(/\d+/g)]
    if (found.length === 0) return input
    const { index, 0: old } = of(found)
    const value = below(3) ? of(digits) : String(BigInt(old.slice(0, 30)) + BigInt(below(3) - 1))
    return Buffer.concat([input.subarray(0, index), Buffer.from(value), input.subarray(index + old.length)])
  },
  function other(input, { below, of }, _words, others) {
    if (others.length === 0) return input
    const from = of(others)
    const [at, length] = stretch(from, below)
    return insert(input, below(input.length + 1), from.subarray(at, at + length))
  },
  function cross(input, { below, of }, _words, others) {
    if (others.length === 0) return input
    const from = of(others)
    return Buffer.concat([input.subarray(0, below(input.length + 1)), from.subarray(below(from.length + 1))])
  },
  function line(input, { below }) {
    const lines = input.toString('latin1').split('\n')
    const [from, to] = [below(lines.length), below(lines.length + 1)]
    lines.splice(to, 0, ...(below(2) ? [lines[from] as string] : lines.splice(from, 1)))
    return Buffer.from(lines.join('\n'), 'latin1')
  },
]

/** Some changes, one after another; few more often than many. */
export function mutate(
  input: Buffer,
  chance: Random,
  words: readonly string[],
  others: readonly Buffer[],
  longest: number,
): Buffer {
  let made = input
  do made = chance.of(changes)(made, chance, words, others)
  while (chance.below(2))
  return made.subarray(0, longest)
}

function stretch(input: Buffer, below: Random['below']): [from: number, length: number] {
  const from = below(input.length + 1)
  return [from, below(Math.min(input.length - from, below(4) ? 8 : 1024) + 1)]
}

function insert(input: Buffer, at: number, piece: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at)])
}
