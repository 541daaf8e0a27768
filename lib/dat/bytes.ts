/**
 * A file's bytes in any order, little-endian, with an end that nothing reads past: what a file says of itself is
 * not believed beyond what is there.
 */
import { readSync } from 'node:fs'

/** The file is not what it should be: the message says what is wrong with it. */
export class Broken extends Error {}

export interface Bytes {
  readonly size: number
  /** Copies what lies from `at` on, as much as `to` takes and there is; answers how much. */
  read(to: Uint8Array, at: number): number
}

/** `onRead` is told how much of the file was read. */
export function fileBytes(fd: number, size: number, onRead: (n: number) => void = () => {}): Bytes {
  return {
    size,
    read(to, at) {
      let have = 0
      while (have < to.length) {
        const n = readSync(fd, to, have, to.length - have, at + have)
        if (n === 0) break
        have += n
      }
      onRead(have)
      return have
    },
  }
}

export function heldBytes(held: Buffer): Bytes {
  return {
    size: held.length,
    read: (to, at) => (at < held.length ? held.copy(to, 0, at) : 0),
  }
}

/** Reads on from a place. Everything throws Broken where the bytes end. */
export interface Reader {
  at: number
  readonly left: number
  u16(): number
  u32(): number
  /** An integer that must be below 2^53: an offset, a size. */
  u64(): number
  wide(): bigint
  take(length: number): Buffer
  /** Latin-1 up to a NUL. */
  text(): string
}

/** A name or clock in a file is not longer. */
const MAX_TEXT = 4096

export function readFrom(bytes: Bytes, at: number, end = bytes.size): Reader {
  const word = Buffer.alloc(8)
  const reader: Reader = {
    at,
    get left() {
      return Math.max(0, Math.min(end, bytes.size) - reader.at)
    },
    u16: () => next(2).readUInt16LE(),
    u32: () => next(4).readUInt32LE(),
    u64() {
      const n = next(8).readBigUInt64LE()
      if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new Broken(`an offset or size of ${n}`)
      return Number(n)
    },
    wide: () => next(8).readBigUInt64LE(),
    take(length) {
      // before the memory is taken
      if (length > reader.left) throw ended()
      return fill(Buffer.allocUnsafe(length))
    },
    text() {
      const seen = Buffer.allocUnsafe(Math.min(MAX_TEXT, reader.left))
      bytes.read(seen, reader.at)
      const length = seen.indexOf(0)
      if (length < 0) throw seen.length < MAX_TEXT ? ended() : new Broken('a name without an end')
      reader.at += length + 1
      return seen.toString('latin1', 0, length)
    },
  }

  function next(length: number): Buffer {
    return fill(word.subarray(0, length))
  }

  function fill(to: Buffer): Buffer {
    if (to.length > reader.left || bytes.read(to, reader.at) < to.length) throw ended()
    reader.at += to.length
    return to
  }

  return reader
}

function ended(): Broken {
  return new Broken('it ends too early')
}
