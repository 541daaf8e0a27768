/**
 * trace.dat, version 7: sections, each with a header of id, flags, name and size, in any order; options sections,
 * of which each says where the next is, say where the others are. A section's flag says that it is compressed.
 */
import { Broken, type Bytes, heldBytes, type Reader, readFrom } from './bytes.js'
import type { Contents, Held } from './contents.js'
import {
  CMDLINES,
  DONE,
  EVENT_FORMATS,
  FTRACE_EVENTS,
  HEADER_INFO,
  KALLSYMS,
  noOptions,
  type Options,
  PRINTK,
  takeOption,
} from './options.js'
import { type Unpack, unpacker } from './unpack.js'

/** The flag of a section. */
const PACKED = 1
/** What a section other than the pages may be when it is unpacked. */
const MAX_SECTION = 1 << 27
/** How many options sections are followed. */
const MAX_SECTIONS = 10_000

export async function readVersion7(bytes: Bytes, reader: Reader): Promise<Contents> {
  const unpack = await unpacker(reader.text())
  reader.text() // the algorithm's version
  const { options, broken } = readOptions(bytes, reader.u64(), unpack)
  const section = (id: number): Held | undefined => {
    const at = options.sections.get(id)
    return at === undefined ? undefined : () => openSection(bytes, at, id, unpack)
  }
  const need = (id: number): Held => {
    const found = section(id)
    if (found) return found
    throw new Broken('it says nothing of its events')
  }
  return {
    broken,
    options,
    header: need(HEADER_INFO),
    ftrace: need(FTRACE_EVENTS),
    events: need(EVENT_FORMATS),
    kallsyms: section(KALLSYMS),
    printk: section(PRINTK),
    cmdlines: section(CMDLINES),
    buffers: options.buffers.map(({ name, offset, pageSize, parts = [] }) => {
      const packed = parts.length > 0 && (sectionAt(bytes, offset).flags & PACKED) !== 0
      return { name, pageSize, parts, packed: packed ? unpack : false }
    }),
  }
}

/** All options; where a later section cannot be read, those before it. */
function readOptions(bytes: Bytes, first: number, unpack: Unpack): { options: Options; broken: string | undefined } {
  const options = noOptions()
  let at = first
  try {
    for (let sections = 0; at !== 0; sections++) {
      if (sections === MAX_SECTIONS) throw new Broken('its options have no end')
      at = readSection(openSection(bytes, at, DONE, unpack), options)
    }
  } catch (error) {
    if (!(error instanceof Broken) || options.sections.size === 0) throw error
    return { options, broken: error.message }
  }
  return { options, broken: undefined }
}

/** Answers where the next options are; 0: there are no more. */
function readSection(reader: Reader, options: Options): number {
  while (true) {
    const id = reader.u16()
    const data = reader.take(reader.u32())
    if (id === DONE) return readFrom(heldBytes(data), 0).u64()
    takeOption(options, id, data, true)
  }
}

function openSection(bytes: Bytes, at: number, id: number, unpack: Unpack): Reader {
  const { flags, size, found } = sectionAt(bytes, at)
  if (found !== id) throw new Broken(`section ${found} where ${id} should be`)
  const reader = readFrom(bytes, at + 16, at + 16 + size)
  if (!(flags & PACKED)) return reader
  const packed = reader.u32()
  const length = reader.u32()
  if (length > MAX_SECTION) throw new Broken(`a section of ${length} bytes`)
  return readFrom(heldBytes(unpack(reader.take(packed), length)), 0)
}

function sectionAt(bytes: Bytes, at: number): { found: number; flags: number; size: number } {
  const reader = readFrom(bytes, at)
  const found = reader.u16()
  const flags = reader.u16()
  reader.u32() // its name
  return { found, flags, size: reader.u64() }
}
