/**
 * The pages of one CPU, one after another, from where they are in the file: plain, or in compressed chunks of
 * several pages. Only one chunk is held at a time.
 */
import { Broken, type Bytes, readFrom } from './bytes.js'
import type { Unpack } from './unpack.js'

export interface Pages {
  /** The next page into `to`; false: there are no more. Throws Broken where there should be one. */
  next(to: Uint8Array): boolean
}

export function plainPages(bytes: Bytes, offset: number, size: number): Pages {
  const end = offset + size
  let at = offset
  return {
    next(to) {
      if (at >= end) return false
      const n = bytes.read(to, at)
      if (n < to.length) {
        at = end
        throw new Broken('it ends too early')
      }
      at += n
      return true
    },
  }
}

/** A chunk is ten pages as trace-cmd writes it. */
const MAX_CHUNK = 1 << 23

/** `size`: of the chunks, without the count of them that stands in front. */
export function packedPages(bytes: Bytes, offset: number, size: number, unpack: Unpack): Pages {
  const reader = readFrom(bytes, offset, offset + 4 + size)
  let left = -1
  let chunk: Buffer = Buffer.alloc(0)
  let at = 0

  function nextChunk(): boolean {
    if (left < 0) left = reader.u32()
    if (left === 0) return false
    left--
    const packed = reader.u32()
    const length = reader.u32()
    if (length > MAX_CHUNK) throw new Broken(`a chunk of ${length} bytes`)
    chunk = unpack(reader.take(packed), length)
    at = 0
    return true
  }

  return {
    next(to) {
      try {
        while (at === chunk.length) if (!nextChunk()) return false
        if (chunk.length - at < to.length) throw new Broken('a chunk that ends within a page')
        to.set(chunk.subarray(at, at + to.length))
        at += to.length
        return true
      } catch (error) {
        left = 0
        at = chunk.length
        throw error
      }
    },
  }
}
