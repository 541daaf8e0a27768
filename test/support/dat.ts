/** A trace.dat in memory: read as `parse` reads one, and changed as the tests need it. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Broken, heldBytes } from '../../lib/dat/bytes.js'
import { openDat } from '../../lib/dat/dat.js'
import { readDat } from '../../lib/dat/reading.js'
import { RecordView } from '../../lib/wire/record.js'
import type { Event } from './pages.js'

export function datFixture(name: string): Buffer {
  const file = readFileSync(`test/data/dat/${name}`)
  return name.endsWith('.gz') ? gunzipSync(file) : file
}

export type DatRecord = Partial<Event> & { type?: string; ts?: string; from?: string; unit?: string; tsc_khz?: number }

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
  const names = file.indexOf(0, file.indexOf(0, 10) + 7)
  let at = file.indexOf(0, names + 1) + 1
  for (let section = Number(file.readBigUInt64LE(at)); section !== 0; section = Number(file.readBigUInt64LE(at))) {
    at = section + 16
    while (file.readUInt16LE(at) !== 0) at += 6 + file.readUInt32LE(at + 2)
    at += 6
  }
  return at
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
