/**
 * Where a function is in a program or library: ELF, 64-bit, little-endian (System V ABI, "Object Files"; elf(5)).
 *
 * The kernel wants a uprobe's place as an offset in the file, so a symbol's address goes through the segment that
 * loads it: offset = st_value - p_vaddr + p_offset.
 */
import { closeSync, openSync, readSync } from 'node:fs'

const SHT_SYMTAB = 2
const SHT_DYNSYM = 11
const PT_LOAD = 1
const STT_FUNC = 2
const STT_GNU_IFUNC = 10

/** The offset of a function in its file. Throws an Error that says why there is none. */
export function functionOffset(path: string, symbol: string): number {
  const fd = openSync(path, 'r')
  try {
    const head = readAt(fd, 0, 64)
    if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) throw new Error('is no ELF file')
    if (head[4] !== 2 || head[5] !== 1) throw new Error('is not a 64-bit little-endian ELF file')
    const address = symbolAddress(fd, head, symbol)
    if (address === undefined) throw new Error(`has no function ${symbol} (stripped?)`)
    return fileOffset(fd, head, address)
  } finally {
    closeSync(fd)
  }
}

function symbolAddress(fd: number, head: Buffer, symbol: string): number | undefined {
  const sections = table(fd, number64(head, 40), head.readUInt16LE(60), head.readUInt16LE(58))
  for (const section of sections) {
    const type = section.readUInt32LE(4)
    if (type !== SHT_SYMTAB && type !== SHT_DYNSYM) continue
    const texts = sections[section.readUInt32LE(40)]
    if (!texts) continue
    const names = readAt(fd, number64(texts, 24), number64(texts, 32))
    const symbols = readAt(fd, number64(section, 24), number64(section, 32))
    const address = addressIn(symbols, names, symbol)
    if (address !== undefined) return address
  }
  return undefined
}

/** Symbols are 24 bytes: name, info, other, section, value, size. */
function addressIn(symbols: Buffer, names: Buffer, symbol: string): number | undefined {
  const wanted = Buffer.from(`${symbol}\0`, 'latin1')
  for (let at = 0; at + 24 <= symbols.length; at += 24) {
    const type = (symbols[at + 4] as number) & 15
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC) continue
    const name = symbols.readUInt32LE(at)
    // a section of 0 is what the file wants from others
    if (symbols.readUInt16LE(at + 6) === 0) continue
    if (names.subarray(name, name + wanted.length).equals(wanted)) return number64(symbols, at + 8)
  }
  return undefined
}

function fileOffset(fd: number, head: Buffer, address: number): number {
  const segments = table(fd, number64(head, 32), head.readUInt16LE(56), head.readUInt16LE(54))
  for (const segment of segments) {
    const start = number64(segment, 16)
    if (segment.readUInt32LE(0) !== PT_LOAD || address < start || address >= start + number64(segment, 32)) continue
    return address - start + number64(segment, 8)
  }
  throw new Error('has the function in no segment that is loaded from it')
}

function table(fd: number, offset: number, count: number, size: number): Buffer[] {
  const bytes = readAt(fd, offset, count * size)
  return Array.from({ length: size > 0 ? Math.floor(bytes.length / size) : 0 }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  ).filter((entry) => entry.length >= 56)
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.min(length, 1 << 28))
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset))
}

function number64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}
