/**
 * trace.dat, trace-cmd's file: metadata, then for each CPU of each buffer the pages of the kernel's ring buffer as
 * they were (trace-cmd.dat.v6(5), trace-cmd.dat.v7(5)). Of a 64-bit little-endian machine only.
 */
import { Broken, type Bytes, readFrom } from './bytes.js'
import type { Contents } from './contents.js'
import { checkHeader } from './metadata.js'
import { readVersion6 } from './version6.js'
import { readVersion7 } from './version7.js'

export interface Dat extends Contents {
  bytes: Bytes
  pageSize: number
}

/** `\x17\x08D`, `tracing`, the version and a NUL. */
export const DAT_MAGIC = '\x17\x08Dtracing'

/** Throws Broken where it cannot be read at all. */
export async function openDat(bytes: Bytes): Promise<Dat> {
  const reader = readFrom(bytes, 0)
  if (reader.take(DAT_MAGIC.length).toString('latin1') !== DAT_MAGIC) throw new Broken('no trace.dat')
  const version = reader.text()
  if (version !== '6' && version !== '7')
    throw new Broken(`of version ${JSON.stringify(version.slice(0, 10))}; 6 and 7 are read`)
  const [endian, long] = reader.take(2)
  if (endian !== 0) throw new Broken('recorded by a big-endian machine; only little-endian ones are read')
  if (long !== 8) throw new Broken('recorded by a 32-bit machine; only 64-bit ones are read')
  const pageSize = reader.u32()
  const contents = version === '6' ? readVersion6(bytes, reader) : await readVersion7(bytes, reader)
  checkHeader(contents.header())
  return { ...contents, bytes, pageSize }
}
