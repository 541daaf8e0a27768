/** A trace.dat in memory: read as `parse` reads one, and changed as the tests need it. */
import { readFileSync } from 'node:fs'
import { deflateSync, gunzipSync } from 'node:zlib'
import { decompress } from 'fzstd'
import { Broken, heldBytes } from '../../lib/dat/bytes.js'
import { openDat } from '../../lib/dat/dat.js'
import { readDat } from '../../lib/dat/reading.js'
import { RecordView } from '../../lib/wire/record.js'
import type { Event } from './pages.js'

export function datFixture(name: string): Buffer {
  const file = readFileSync(`test/data/dat/${name}`)
  return name.endsWith('.gz') ? gunzipSync(file) : file
}

export type DatRecord = Partial<Event> & {
  type?: string
  ts?: string
  from?: string
  clock?: string
  unit?: string
  tsc_khz?: number
}

export interface Read {
  lines: string[]
  records: DatRecord[]
  said: string[]
}

export async function readHeld(file: Buffer): Promise<Read> {
  const lines: string[] = []
  const said: string[] = []
  const view = new RecordView()
  const say = (message: string) => said.push(message)
  try {
    await readDat(await openDat(heldBytes(file)), 'host', {
      row(row) {
        view.row = row
        lines.push(view.line)
      },
      write: (line) => lines.push(line),
      problem: say,
      bad: say,
      stopped: () => false,
    })
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    say(error.message)
  }
  return { lines, records: lines.map((line) => JSON.parse(line)), said }
}

/** A file of version 7 with further options, in a section of their own behind all others. */
export function withOptions(file: Buffer, options: readonly (readonly [number, Buffer])[]): Buffer {
  const end = lastDone(file)
  const changed = Buffer.from(file)
  changed.writeBigUInt64LE(BigInt(file.length), end)
  const body = Buffer.concat(
    [...options, [0, Buffer.alloc(8)] as const].map(([id, data]) => {
      const head = Buffer.alloc(6)
      head.writeUInt16LE(id)
      head.writeUInt32LE(data.length, 2)
      return Buffer.concat([head, data])
    }),
  )
  const section = Buffer.alloc(16)
  section.writeBigUInt64LE(BigInt(body.length), 8)
  return Buffer.concat([changed, section, body])
}

/** Where the last options section says that there is no next. */
function lastDone(file: Buffer): number {
  const { at, length } = [...optionsOf(file)].at(-1) as Option
  return at + length + 6
}

/** Integers of 8 (bigint) or 4 bytes (number), one after another. */
export function integers(...values: (bigint | number)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const of = Buffer.alloc(typeof value === 'bigint' ? 8 : 4)
      if (typeof value === 'bigint') of.writeBigUInt64LE(BigInt.asUintN(64, value))
      else of.writeUInt32LE(value)
      return of
    }),
  )
}

/**
 * A file of version 7 whose sections and pages are compressed with zstd, with zlib instead: what trace-cmd writes
 * where it was built with zlib alone. All that is packed anew stands behind the rest; the options say where.
 */
export function withZlib(file: Buffer): Buffer {
  const pieces: Buffer[] = [Buffer.from(file)]
  let size = file.length
  const append = (piece: Buffer) => {
    pieces.push(piece)
    size += piece.length
    return size - piece.length
  }
  const [whole] = pieces as [Buffer]
  whole.write('zlib', whole.indexOf('zstd'))
  for (const { id, at } of optionsOf(file)) {
    if (id >= HEADER_INFO && id <= CMDLINES) {
      const section = Number(file.readBigUInt64LE(at))
      whole.writeBigUInt64LE(BigInt(append(zlibSection(file, section))), at)
    } else if (id === BUFFER) packParts(at)
  }
  return Buffer.concat(pieces)

  function packParts(option: number): void {
    // its section, its name, its clock, the size of a page; then CPU, offset and size of each part
    let at = file.indexOf(0, file.indexOf(0, option + 8) + 1) + 1 + 4
    for (let parts = file.readUInt32LE(at); parts > 0; parts--) {
      const from = Number(file.readBigUInt64LE(at + 8))
      const chunks = zlibChunks(file, from)
      whole.writeBigUInt64LE(BigInt(append(chunks)), at + 8)
      whole.writeBigUInt64LE(BigInt(chunks.length - 4), at + 16)
      at += 20
    }
  }
}

const BUFFER = 3
const HEADER_INFO = 16
const CMDLINES = 21

interface Option {
  id: number
  /** Where its data is. */
  at: number
  length: number
}

/** Those of all sections, which follow one another. */
function* optionsOf(file: Buffer): Generator<Option> {
  const names = file.indexOf(0, file.indexOf(0, 10) + 7)
  let at = file.indexOf(0, names + 1) + 1
  for (let section = Number(file.readBigUInt64LE(at)); section !== 0; section = Number(file.readBigUInt64LE(at))) {
    at = section + 16
    while (file.readUInt16LE(at) !== 0) {
      const length = file.readUInt32LE(at + 2)
      yield { id: file.readUInt16LE(at), at: at + 6, length }
      at += 6 + length
    }
    at += 6
  }
}

function zlibSection(file: Buffer, at: number): Buffer {
  const head = Buffer.from(file.subarray(at, at + 16))
  if ((head.readUInt16LE(2) & 1) === 0) return file.subarray(at, at + 16 + Number(head.readBigUInt64LE(8)))
  const chunk = zlibChunk(file, at + 16)
  head.writeBigUInt64LE(BigInt(chunk.length), 8)
  return Buffer.concat([head, chunk])
}

function zlibChunks(file: Buffer, from: number): Buffer {
  const pieces: Buffer[] = [file.subarray(from, from + 4)]
  let at = from + 4
  for (let left = file.readUInt32LE(from); left > 0; left--) {
    pieces.push(zlibChunk(file, at))
    at += 8 + file.readUInt32LE(at)
  }
  return Buffer.concat(pieces)
}

/** Its size packed and unpacked, and it. */
function zlibChunk(file: Buffer, at: number): Buffer {
  const [packed, length] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)]
  const data = deflateSync(decompress(file.subarray(at + 8, at + 8 + packed), Buffer.alloc(length)))
  return Buffer.concat([integers(data.length, length), data])
}
