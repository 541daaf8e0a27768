/**
 * A trace.dat is read at many places. A file is read where it is; what comes through a pipe, or is gzipped, is held
 * in memory, up to a bound.
 */
import { openRegular, pieces, type Source } from '../wire/source.js'
import { Broken, type Bytes, fileBytes, heldBytes } from './bytes.js'
import { DAT_MAGIC } from './dat.js'

const MAX_HELD = 1 << 28

/** The bytes of what `source` reads from `path`. */
export async function datBytes(path: string, source: Source): Promise<{ bytes: Bytes; close(): void }> {
  const file = openRegular(path)
  if (file) {
    const bytes = fileBytes(file.fd, file.size, (n) => {
      if (source.meter) source.meter.done += n
    })
    if (isDat(bytes)) return { bytes, close: file.close }
    file.close()
  }
  return { bytes: heldBytes(await all(source)), close() {} }
}

function isDat(bytes: Bytes): boolean {
  const begin = Buffer.alloc(DAT_MAGIC.length)
  bytes.read(begin, 0)
  return begin.toString('latin1') === DAT_MAGIC
}

async function all(source: Source): Promise<Buffer> {
  const held: Buffer[] = []
  let size = 0
  for await (const piece of pieces(source)) {
    size += piece.length
    if (size > MAX_HELD) throw new Broken('more than 256 MiB through a pipe or gzipped: give it as a file, unzipped')
    held.push(piece)
  }
  return Buffer.concat(held)
}
