/** Runs a filter in this process on lines, as `drive` does: what it writes, says and counts. */
import { HAS, HAS_BROKEN, REASON, ROW_WORDS } from '../../lib/assembly/layout.js'
import { acceptor } from '../../lib/cli/drive.js'
import { commandLine } from '../../lib/cli/options.js'
import { BadRecord, type Context, type Tool } from '../../lib/cli/tool.js'
import { allocate, bytes, release, scanner, words } from '../../lib/wire/memory.js'
import { link, type Out } from '../../lib/wire/output.js'
import { RecordView } from '../../lib/wire/record.js'

export interface Ran {
  lines: string[]
  problems: string[]
  bad: string[]
  line: string
  // biome-ignore lint/suspicious/noExplicitAny: counts differ from tool to tool
  counts: any
}

export async function runFilter(tool: Tool, args: string[], input: string[]): Promise<Ran> {
  const { options, operands, files } = commandLine(tool.spec, args)
  const ran: Ran = { lines: [], problems: [], bad: [], line: '', counts: {} }
  const context: Context = {
    warn: (message) => ran.problems.push(message),
    problem: (message) => ran.problems.push(message),
    bad: (_where, message) => ran.bad.push(message),
    onStop() {},
    onSignal() {},
    print: (text) => ran.lines.push(text),
    files,
    operands,
  }
  const out = collector(ran.lines)
  const stage = tool.stage(options, context)
  feed(input, acceptor(stage, out), context)
  const summary = await stage.end?.(out)
  ran.line = summary?.line ?? ''
  ran.counts = summary?.counts ?? {}
  return ran
}

let collected: string[] = []
let shared: Out | null = null

/** One for all runs: a link takes memory for good. */
function collector(lines: string[]): Out {
  collected = lines
  shared ??= link(
    (record) => collected.push(record.line),
    () => {},
  )
  return shared
}

function feed(input: string[], accept: (record: RecordView) => void, context: Context): void {
  const text = Buffer.from(input.map((line) => `${line}\n`).join(''))
  const size = text.length + 64
  const room = allocate(size)
  const rowsSize = ROW_WORDS * 4 * (input.length + 1)
  const rows = allocate(rowsSize)
  text.copy(bytes, room)
  const count = scanner.scan(room, room + text.length, rows, input.length + 1)
  const view = new RecordView()
  for (let i = 0; i < count; i++) {
    view.row = (rows >> 2) + i * ROW_WORDS
    if ((words[view.row + HAS] as number) & HAS_BROKEN || words[view.row + REASON] !== 0) context.bad('', 'broken')
    else
      try {
        accept(view)
      } catch (error) {
        if (!(error instanceof BadRecord)) throw error
        context.bad('', error.message)
      }
  }
  release(room, size)
  release(rows, rowsSize)
}
