/** Reads text as `parse` does, from a buffer handed over in pieces: the records as objects, and what was said. */
import { OWN, SRC, TEXT_CONTROL, TYPE } from '../../lib/assembly/layout.js'
import type { Context } from '../../lib/cli/tool.js'
import type { TextFormat } from '../../lib/text/detect.js'
import { textLine } from '../../lib/text/line.js'
import { losses } from '../../lib/text/losses.js'
import { readText, type TextCounts } from '../../lib/text/reading.js'
import { allocate, bytes, utf8, words } from '../../lib/wire/memory.js'
import { LINE_ROOM } from '../../lib/wire/record.js'
import type { Source } from '../../lib/wire/source.js'

export interface Parsed {
  // biome-ignore lint/suspicious/noExplicitAny: records are what the tests look into
  records: any[]
  lines: string[]
  bad: string[]
  counts: TextCounts
}

const room = allocate(LINE_ROOM)

export async function parseText(
  text: string | Buffer,
  format: TextFormat,
  { pieces = [1 << 20], live = false, src = 'host' } = {},
): Promise<Parsed> {
  const lines: string[] = []
  const bad: string[] = []
  const context = {
    warn() {},
    problem: (message: string) => bad.push(message),
    bad: (where: string, message: string) => bad.push(`${where}: ${message}`),
    onStop() {},
    onSignal() {},
    print() {},
    files: [],
    operands: [],
  } satisfies Context
  const lost = losses((line) => lines.push(line))
  const counts = await readText(
    sourceOf(Buffer.from(text), pieces, live),
    format,
    src,
    context,
    () => {},
    ({ row }) => {
      if (words[row + OWN] === TEXT_CONTROL) return
      if (words[row + TYPE] !== 0) {
        lost.hold(row)
        return
      }
      if ((words[row + SRC] as number) === 0) bad.push('an event without src')
      if (lost.waiting) lost.end(row)
      lost.pass(row)
      const end = textLine.render(row, room)
      if (end - room > 1 << 20) bad.push(`a line of ${end - room} bytes`)
      lines.push(utf8(room, end))
    },
  )
  lost.finish()
  return { lines, records: lines.map((line) => JSON.parse(line)), bad, counts }
}

/** The one event that a line is. */
export async function parseLine(line: string | Buffer, format: TextFormat) {
  const { records, bad } = await parseText(Buffer.concat([Buffer.from(line), Buffer.from('\n')]), format)
  if (records.length !== 1) throw new Error(`${records.length} records, ${bad.join('; ')}`)
  return records[0]
}

function sourceOf(text: Buffer, pieces: number[], live: boolean): Source {
  let at = 0
  let turn = 0
  return {
    name: 'text',
    live,
    read(to, max) {
      const n = Math.min(max, pieces[turn++ % pieces.length] as number, text.length - at)
      text.copy(bytes, to, at, at + n)
      at += n
      return n
    },
    stop() {},
    close() {},
  }
}
