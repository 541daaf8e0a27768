/** Runs a filter or source in this process on the bytes of a file, as the tool itself would read it. */
import { writeFileSync } from 'node:fs'
import { acceptor, drive } from '../../lib/cli/drive.js'
import { commandLine } from '../../lib/cli/options.js'
import { type Context, Failure, type Tool } from '../../lib/cli/tool.js'
import { link, type Out } from '../../lib/wire/output.js'
import { systemMessage } from '../../lib/wire/system-message.js'

export interface Ran {
  input: Buffer
  lines: string[]
  said: string[]
  /** What a person would see, or a file take. */
  printed: string[]
  bad: number
  counts: Record<string, unknown>
}

let lines: string[] = []
let shared: Out | null = null

/** One for all runs: a link takes memory for good. */
function collector(): Out {
  shared ??= link(
    (record) => lines.push(record.line),
    () => {},
  )
  return shared
}

/** Throws what would be a stack trace on stderr. */
export async function runOn(tool: Tool, args: readonly string[], input: Buffer, path: string): Promise<Ran> {
  writeFileSync(path, input)
  const hasFiles = /--$|\[--/.test(tool.spec.operands)
  const { options, operands, files } = commandLine(tool.spec, [...args, ...(hasFiles ? ['--'] : []), path])
  const ran: Ran = { input, lines: [], said: [], printed: [], bad: 0, counts: {} }
  lines = ran.lines
  const context: Context = {
    warn: (message) => ran.said.push(message),
    problem: (message) => ran.said.push(message),
    bad: (where, message) => {
      ran.bad++
      ran.said.push(`${where}: ${message}`)
    },
    onStop() {},
    onSignal() {},
    print: (text) => ran.printed.push(text),
    files,
    operands,
  }
  const out = collector()
  try {
    if (tool.kind === 'source') {
      ran.counts = (await tool.source(options, context, out))?.counts ?? {}
      return ran
    }
    const stage = tool.stage(options, context)
    await drive(context, acceptor(stage, out), out, stage.look)
    ran.counts = (await stage.end?.(out))?.counts ?? {}
  } catch (error) {
    if (!isSaid(error)) throw error
    ran.said.push((error as NodeJS.ErrnoException).code ? systemMessage(error) : (error as Error).message)
  }
  return ran
}

/** What becomes one line on stderr and a status. */
function isSaid(error: unknown): boolean {
  if (error instanceof Failure) return true
  return typeof (error as NodeJS.ErrnoException).code === 'string'
}
