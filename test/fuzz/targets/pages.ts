/** Pages of the kernel's ring buffer: every event, time, number and loss, against a walk in JavaScript. */
import assert from 'node:assert/strict'
import { type Field, type Format, parseFormat } from '../../../lib/kernel/format.js'
import { learnFormat } from '../../../lib/kernel/program.js'
import { ALL, openRings } from '../../../lib/kernel/rings.js'
import { bytes, scanner } from '../../../lib/wire/memory.js'
import { RecordView } from '../../../lib/wire/record.js'
import { readLine } from '../../reference/line.js'
import { type Found, walkPage } from '../../reference/page.js'
import { cut, fixture, learnFormats, setComm, unzipped } from '../../support/pages.js'
import type { Target } from '../target.js'

/** Small, so that an input is most of what it says. */
const SIZE = 512
const SLACK = 64

interface Told {
  type?: string
  event?: string
  count?: number | string
  tsc?: string
  pid?: number
  args?: Record<string, unknown>
}

const formatTexts = fixture('formats.txt').toString().split(/^== /m).slice(1).map(parseFormat)
const formats = new Map(formatTexts.map((format) => [format.id, format]))
/** What an event of these has beside numbers is not compared. */
const isPlain = ({ place, kind, count }: Field) => place === 'at' && kind === 'number' && count === 0

export const pages: Target = {
  seeds() {
    learnFormats(fixture('formats.txt').toString())
    const raw = cut(unzipped('cpu0.raw.gz')).concat(cut(unzipped('cpu1.raw.gz')))
    return raw.slice(0, 24).map((page, i) => shortened(page, 120 + 14 * (i % 28)))
  },
  words: [...formats.keys()].slice(0, 40).map((id) => String.fromCharCode(id & 255, id >> 8)),
  longest: 3 * SIZE,
  run(input) {
    const all: Buffer[] = []
    for (let at = 0; at < input.length; at += SIZE) {
      const page = Buffer.alloc(SIZE)
      input.copy(page, 0, at, at + SIZE)
      all.push(page)
    }
    // a comm that an event tells is kept of a thread that is known already: all of them are from the second reading on
    decoded(all, 0)
    const lines = decoded(all, 0)
    assert.deepEqual(decoded(all, 0xff), lines, 'what stands behind a page is in its events')
    const told: Told[] = lines.map((line) => {
      const read = readLine(Buffer.from(line))
      assert.ok(read && read.doubtful === false, `no filter takes ${line}`)
      return JSON.parse(line)
    })
    assert.deepEqual(told.map(shortOf), expected(all.flatMap(walkPage)))
  },
}

/** The first bytes of a page, with a length that says so. */
function shortened(page: Buffer, length: number): Buffer {
  const made = Buffer.from(page.subarray(0, 16 + length))
  made.writeUInt32LE(Math.min(made.readUInt32LE(8) & 0xfffff, length), 8)
  return made
}

function decoded(all: readonly Buffer[], junk: number): string[] {
  scanner.forgetThreads()
  const lines: string[] = []
  const view = new RecordView()
  const rings = openRings({
    cpus: [0],
    pageSize: SIZE,
    depth: 8,
    src: 'host',
    cycles: true,
    thread: (pid) => setComm(pid, 'x'),
    format: (id) => learnFormat('unknown', { name: `e${id}`, id, fields: [] }, 'host', 'skip'),
    row(row) {
      view.row = row
      lines.push(view.line)
    },
    note: () => {},
  })
  for (const page of all) {
    const room = rings.room(0)
    bytes.fill(junk, room + SIZE, room + SIZE + SLACK)
    page.copy(bytes, room)
    rings.put(0)
  }
  rings.merge(ALL)
  for (const lost of rings.unsaid()) lines.push(JSON.stringify({ type: 'lost', src: 'host', ...lost }))
  rings.close()
  return lines
}

function shortOf({ type, event = '', count, tsc, pid, args = {} }: Told): string {
  if (type === 'lost') return `lost ${count ?? '?'}`
  const fields = formatTexts.find(({ name }) => event.endsWith(`:${name}`))?.fields.filter(isPlain) ?? []
  const values = fields.map(({ name }): [string, string] => [name, String(args[name])])
  return `${tsc} ${pid} ${JSON.stringify(values)}`
}

/** Losses one after another are one. */
function expected(found: readonly Found[]): string[] {
  const lines: string[] = []
  let lost: bigint | null = 0n
  for (const one of found) {
    if ('lost' in one) {
      lost = lost === null || one.lost === null || lost + one.lost >= 2n ** 53n ? null : lost + one.lost
      continue
    }
    if (lost !== 0n) lines.push(`lost ${lost ?? '?'}`)
    lost = 0n
    const format = formats.get(one.data.readUInt16LE(0))
    if (format) lines.push(`${one.time} ${one.data.readUInt32LE(4)} ${JSON.stringify(numbersOf(format, one.data))}`)
  }
  if (lost !== 0n) lines.push(`lost ${lost ?? '?'}`)
  return lines
}

function numbersOf({ fields }: Format, data: Buffer): [string, string][] {
  return fields.filter(isPlain).map((field) => [field.name, fieldValue(field, data)])
}

function fieldValue({ offset, size, signed }: Field, data: Buffer): string {
  if (offset + size > data.length) return 'null'
  if (size === 8) return String(signed ? data.readBigInt64LE(offset) : data.readBigUInt64LE(offset))
  return String(signed ? data.readIntLE(offset, size) : data.readUIntLE(offset, size))
}
