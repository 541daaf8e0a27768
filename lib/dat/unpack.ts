/** Undoing compression. What comes out is never longer than the file says, and that is bounded. */
import { inflateSync } from 'node:zlib'
import { Broken } from './bytes.js'

/** Data as it was, of `size` bytes. Throws Broken. */
export type Unpack = (data: Buffer, size: number) => Buffer

/** For the algorithm that a file names. Throws Broken where there is none of that name. */
export async function unpacker(name: string): Promise<Unpack> {
  if (name === 'zlib') return guarded((data, size) => inflateSync(data, { maxOutputLength: Math.max(size, 1) }))
  if (name === 'zstd') {
    const { decompress } = await import('fzstd')
    return guarded((data, size) => {
      const to = Buffer.alloc(size)
      decompress(data, to)
      return to
    })
  }
  if (name !== 'none') throw new Broken(`compressed with ${JSON.stringify(name.slice(0, 40))}, which is not known here`)
  return () => {
    throw new Broken('a part is compressed, and the file names no algorithm')
  }
}

function guarded(unpack: Unpack): Unpack {
  return (data, size) => {
    try {
      const held = unpack(data, size)
      if (held.length === size) return held
    } catch {
      // whatever a library says of bad data, it is bad data
    }
    throw new Broken('its compressed data cannot be read')
  }
}
