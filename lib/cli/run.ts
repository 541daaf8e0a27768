/**
 * Running: one tool as a process, or several in one (vmpipe). Only this file reads the command line, prints
 * errors and sets the exit status.
 *
 * Status: 0 done, 1 bad data or a failure at run time, 2 usage, 129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM.
 * A closed pipe is quiet success.
 */
import { isatty } from 'node:tty'
import { LINE, LINE_END, REASON } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { ClosedPipe, link, type Out, type Writer, writer } from '../wire/output.js'
import { rowReason } from '../wire/reasons.js'
import type { RecordView } from '../wire/record.js'
import { systemMessage } from '../wire/system-message.js'
import { acceptor, drive } from './drive.js'
import { Answer, commandLine } from './options.js'
import { type Problems, problems, say } from './problems.js'
import { progress } from './progress.js'
import { type Screen, screen } from './screen.js'
import { giveWay } from './terminal-line.js'
import { BadRecord, type Context, Failure, type Stage, type Summary, type Tool, Usage } from './tool.js'

/** One tool with its arguments. */
export interface Step {
  tool: Tool
  args: readonly string[]
}

/** Runs a tool as this process. */
export function run(tool: Tool): void {
  const args = process.argv.slice(2)
  void main(tool.spec.name, () => runSteps([{ tool, args }]))
}

/** Runs `body`, turns what it throws into a message and a status. */
export async function main(name: string, body: () => Promise<number>): Promise<void> {
  process.on('uncaughtException', (error) => process.exit(statusOf(name, error)))
  try {
    process.exitCode = await body()
  } catch (error) {
    process.exitCode = statusOf(name, error)
  }
  // what still waits (a stream nobody ends) must not hold the process
  process.exit()
}

function statusOf(name: string, error: unknown): number {
  if (error instanceof ClosedPipe) return 0
  if (error instanceof Answer) {
    printAnswer(error.message)
    return 0
  }
  if (error instanceof Usage) {
    say(`${name}: ${error.message}\n${name}: --help tells more`)
    return 2
  }
  if (error instanceof Failure || error instanceof RangeError) {
    say(`${name}: ${error.message}`)
    return error instanceof Failure ? error.status : 1
  }
  if ((error as NodeJS.ErrnoException).code) {
    say(`${name}: ${systemMessage(error)}`)
    return 1
  }
  say(`${name}: ${(error as Error).stack ?? String(error)}`)
  return 1
}

function printAnswer(text: string): void {
  const out = writer(1)
  out.text(`${text}\n`)
  try {
    out.flush()
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error
  }
}

/** A pipe of tools in this process, from the first one's inputs to stdout. Answers the status. */
export async function runSteps(steps: readonly Step[]): Promise<number> {
  for (const { tool, args } of steps) {
    if (!tool.command) continue
    if (steps.length === 1) return tool.command(args, tool.spec)
    throw new Usage(`${tool.spec.name} has no records, and no place in a pipe of them`)
  }
  const stop = signals()
  const output = writer(1, giveWay)
  const shownOn = screen(output.text)
  const parts = steps.map((step, i) =>
    of(step, steps, () => prepare(step, output, shownOn, stop, i === steps.length - 1)),
  )
  const first = parts[0] as Part
  for (const { tool, context } of parts.slice(1)) {
    if (tool.kind === 'source') throw new Usage(`${tool.spec.name} can only be the first of a pipe`)
    if (context.files.join() !== '-') throw new Usage(`${tool.spec.name} reads the pipe here, no file`)
  }

  let out: Out = output
  for (const part of parts.toReversed()) {
    part.out = out
    if (part === first && part.tool.kind === 'source') break
    part.stage = of(part, steps, () => stageOf(part))
    part.accept = acceptor(part.stage, out)
    out = link(part === first ? part.accept : guarded({ ...part, accept: part.accept, stage: part.stage }), () =>
      output.flush(),
    )
  }
  first.context.ready = () => {
    for (const { stage } of parts) {
      const waits = stage?.ready?.()
      if (waits) return waits
    }
    return undefined
  }
  const shown = progress(first.tool.spec.name, first.context.files)
  if (!first.options.quiet) first.context.reading = shown.reading
  try {
    if (first.tool.kind === 'source') {
      const summary = await first.tool.source(first.options, first.context, first.out as Out)
      shown.end()
      finish(first, summary)
    } else if (!first.stage?.alone)
      await drive(first.context, first.accept as (record: RecordView) => void, output, first.stage?.look)
    shown.end()
    for (const part of parts) if (part.stage) finish(part, await part.stage.end?.(part.out as Out))
    output.flush()
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error
    return 0
  }
  for (const part of parts) part.problems.close()
  return stop.signal ? 128 + stop.signal : Math.max(...parts.map((part) => part.problems.status))
}

/** A mistake in the arguments of one of several tools names the tool. */
function of<T>({ tool }: { tool: Tool }, { length }: readonly Step[], make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof Usage && length > 1 ? new Usage(`${tool.spec.name}: ${error.message}`) : error
  }
}

/** What is wrong with the options is said as usage. */
function stageOf({ tool, options, context }: Part): Stage {
  try {
    return tool.stage(options, context)
  } catch (error) {
    const mistake = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
    throw mistake || !(error instanceof Error) || error instanceof Failure ? error : new Usage(error.message)
  }
}

/**
 * A record that a later stage cannot use is named as it would be in a pipe: by its line on that tool's stdin. A
 * line of text (pull carries those too) is one for those stages only that look at their input.
 */
function guarded({ accept, context, stage }: Staged): (record: RecordView) => void {
  let line = 0
  return (record) => {
    line++
    try {
      if (words[record.row + REASON] !== 0 && !stage.look) {
        if (words[record.row + LINE] !== words[record.row + LINE_END]) throw new BadRecord(rowReason(record.row))
      } else accept(record)
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error
      context.bad(`stdin:${line}`, error.message)
    }
  }
}

type Staged = Required<Pick<Part, 'accept' | 'context' | 'stage'>>

interface Part {
  tool: Tool
  options: Record<string, unknown>
  context: Context
  problems: Problems
  stage?: Stage
  accept?: (record: RecordView) => void
  out?: Out
}

function prepare({ tool, args }: Step, output: Writer, on: Screen | undefined, stop: Signals, last: boolean): Part {
  const { options, operands, files } = commandLine(tool.spec, args)
  const said = problems(tool.spec.name, on?.leave)
  return {
    tool,
    options,
    problems: said,
    context: {
      warn: said.warn,
      problem: said.problem,
      bad: said.bad,
      onStop: (listener) => {
        stop.listeners.push(listener)
      },
      onSignal: (listener) => stop.first.push(listener),
      print(text) {
        if (!last) throw new Failure(`${tool.spec.name} prints for people here: nothing can follow it`)
        on?.leave()
        output.text(text)
      },
      ...(last && on ? { terminal: on } : {}),
      files,
      operands,
    },
  }
}

/** The end of one tool: its summary record to whoever comes next, its line to stderr. */
function finish(part: Part, summary: Summary | undefined): void {
  if (!summary) return
  const { name } = part.tool.spec
  const bad = part.problems.badCount
  if (summary.counts) {
    const counts = bad > 0 ? { ...summary.counts, bad } : summary.counts
    ;(part.out as Out).write(JSON.stringify({ type: 'summary', tool: name, ...counts }, exactInteger))
  }
  if (!part.options.quiet) say(`${name}: ${summary.line}${bad > 0 ? `, ${bad} bad` : ''}`)
}

function exactInteger(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

interface Signals {
  signal: number
  listeners: (() => void)[]
  /** Those who have nobody before them to wait for. */
  first: (() => void)[]
}

/** How long after ^C what is under way may still arrive. */
const GRACE_MS = 500

/**
 * The first ^C asks for the end: in a pipeline the tools before this one got it as well, so their last
 * records and the end of the pipe are on their way; what has not come after GRACE_MS is not waited for.
 */
function signals(): Signals {
  const state: Signals = { signal: 0, listeners: [], first: [] }
  let at = 0
  for (const [name, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(name, () => {
      // `timeout` and some shells send it twice at once; twice by hand means now
      if (state.signal && Date.now() - at > GRACE_MS) process.exit(128 + number)
      if (state.signal) return
      state.signal = number
      at = Date.now()
      for (const stop of state.first) stop()
      setTimeout(
        () => {
          for (const stop of state.listeners) stop()
        },
        isatty(0) ? 0 : GRACE_MS,
      )
    })
  }
  return state
}
