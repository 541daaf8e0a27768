/**
 * What tells one content of a record from another under the same numbers: 52 bits of its numbers and texts, mixed as
 * MurmurHash3 does (Austin Appleby; public domain). It guards against mistakes; who wants to forge an interval can do
 * so with the first one that comes.
 */

export interface Digest {
  number(value: number): void
  text(value: string): void
  value(): number
}

export function digest(): Digest {
  let a = 0x9747b28c
  let b = 0x5bd1e995

  function word(value: number): void {
    const k = Math.imul(value, 0xcc9e2d51)
    a = Math.imul(rotated(a ^ Math.imul(rotated(k, 15), 0x1b873593), 13), 5) + 0xe6546b64
    b = Math.imul(rotated(b ^ k, 11), 0x85ebca6b) + a
  }

  return {
    number(value) {
      word(value | 0)
      word(Math.floor(value / 0x1_0000_0000))
    },
    text(value) {
      word(value.length)
      for (let i = 0; i < value.length; i++) word(value.charCodeAt(i))
    },
    value: () => (final(a) >>> 6) * 0x400_0000 + (final(b ^ a) >>> 6),
  }
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function final(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
