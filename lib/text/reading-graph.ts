/**
 * Reading the text of the function_graph tracer: its lines as the events of the ring buffer that it was printed from.
 *
 * | line | events |
 * | --- | --- |
 * | `name() {` | ftrace:funcgraph_entry |
 * | `}` | ftrace:funcgraph_exit, with duration_ns |
 * | `name();` | both |
 * | `==========>`, `<==========` | funcgraph_irq_entry, funcgraph_irq_exit |
 * | `a-1  =>  b-2` | funcgraph_switch |
 * | `/* name: text *\/` | that event |
 *
 * The time of a line is that of what it says; the exit of a call on one line is so much later as it took. Without
 * funcgraph-abstime events have no time and stand in their order. Without funcgraph-proc the thread is the one that
 * the last switch on that CPU told.
 */
import type { Context } from '../cli/tool.js'
import { parseComment } from '../wire/comment.js'
import { lineFault } from '../wire/line-fault.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import type { Source } from '../wire/source.js'
import { commentEvents } from './graph-comment.js'
import { type Call, type Comment, type GraphLine, graphLine, type Interrupt, type Lost } from './graph-line.js'
import { graphLosses } from './graph-losses.js'
import { graphPace } from './graph-pace.js'
import { type LineCounts, readLines } from './reading-lines.js'
import type { StreamHeads } from './stream-heads.js'

interface Task {
  comm: string | undefined
  pid: number
}

export async function readGraph(
  source: Source,
  src: string,
  context: Context,
  heads: StreamHeads,
  out: Out,
): Promise<LineCounts> {
  const id = idOf(src)
  const fault = lineFault()
  const lines = graphEvents(src, (record, cycles) => {
    const line = JSON.stringify(record)
    const wrong = fault(line)
    if (wrong) return wrong
    heads.before(id, cycles)
    out.write(line)
    return undefined
  })
  const not_utf8 = await readLines(source, src, context, heads, out, lines.take)
  const { pace, ...counts } = lines.end()
  if (pace !== undefined)
    context.warn(
      `${source.name}: its times run ${pace.toFixed(2)} times as fast as its durations: the trace clock was no clock in ns, and \`ts\` is cycles cut to 1000`,
    )
  return { ...counts, not_utf8 }
}

/** Writes a record, or answers what is wrong with it. */
type Write = (record: Record<string, unknown>, cycles: boolean) => string | undefined

/** The records of lines. `take` answers what is wrong with one. */
function graphEvents(src: string, write: Write) {
  const tasks = new Map<number, Task>()
  const losses = graphLosses(src, (record) => write(record, cycles))
  const pace = graphPace()
  const commentEvent = commentEvents()
  let cycles = false
  let events = 0
  let headers = 0
  let problem: string | undefined

  function emit(record: Record<string, unknown>): void {
    const wrong = write(record, cycles)
    if (wrong) problem = wrong
    else events++
  }

  function event(name: string, at: Call | Comment | Interrupt, args: Record<string, unknown>, more?: EventMore): void {
    const { cpu, flags } = at
    const task: Partial<Task> = at.pid === undefined ? (tasks.get(cpu) ?? {}) : { comm: at.comm, pid: at.pid }
    const ts = more?.ts ?? timeOf(at.time)
    if (ts !== undefined) losses.pass(cpu, ts)
    const time = ts === undefined ? {} : cycles ? { tsc: ts } : { ts }
    emit({ ...time, src, event: name, cpu, pid: task.pid, comm: task.comm, flags, args, text: more?.text })
  }

  function call(line: Call): void {
    const { depth, func, module, duration_ns } = line
    const ts = timeOf(line.time)
    if (line.kind !== 'exit') event('ftrace:funcgraph_entry', line, { func, module, depth })
    if (line.kind === 'entry') {
      if (ts !== undefined) pace.entry(line.cpu, depth, ts)
      return
    }
    if (line.kind === 'exit' && ts !== undefined) pace.exit(line.cpu, depth, ts, duration_ns)
    // a duration is ns on any clock: cycles cannot be added up with it
    const end = line.kind === 'leaf' && ts !== undefined ? later(ts, cycles ? 0 : (duration_ns ?? 0)) : ts
    event('ftrace:funcgraph_exit', line, { func, module, depth, duration_ns }, { ts: end })
  }

  function comment(line: Comment): void {
    const { event: name, args, text } = commentEvent(line.text)
    event(name, line, args, { text })
  }

  function header(line: string): void {
    headers++
    const told = parseComment(line)
    if (told?.kind === 'stream') cycles = told.members.clock === 'x86-tsc'
    if (told?.kind === 'lost') losses.hold({ kind: 'lost', count: digitsIn(told.members.count) })
  }

  const kinds: { [K in GraphLine['kind']]: (line: never) => void } = {
    entry: call,
    leaf: call,
    exit: call,
    comment,
    'irq-entry': (line: Interrupt) => event('funcgraph_irq_entry', line, {}),
    'irq-exit': (line: Interrupt) => event('funcgraph_irq_exit', line, {}),
    switch({ cpu, prev_comm, prev_pid, next_comm, next_pid }: Extract<GraphLine, { kind: 'switch' }>) {
      tasks.set(cpu, { comm: next_comm, pid: next_pid })
      const args = { prev_comm, prev_pid, next_comm, next_pid }
      emit({ src, event: 'funcgraph_switch', cpu, pid: prev_pid, comm: prev_comm, args })
      pace.forget(cpu)
    },
    lost: (line: Lost) => losses.hold(line),
    header() {},
    blank() {},
    rule() {},
  }

  return {
    take(text: string): string | undefined {
      const line = graphLine(text)
      if (typeof line === 'string') return line
      if (line.kind === 'header') header(text)
      else kinds[line.kind](line as never)
      const wrong = problem
      problem = undefined
      return wrong
    },
    end(): Omit<LineCounts, 'not_utf8'> & { pace: number | undefined } {
      losses.finish()
      return {
        events,
        headers,
        lost: losses.records,
        lost_events: losses.events,
        pace: cycles ? undefined : pace.wrong(),
      }
    },
  }
}

/** A count that is none is not known. */
function digitsIn(count: unknown): string {
  return typeof count === 'string' && /^\d{1,19}$/.test(count) ? count : ''
}

interface EventMore {
  ts?: string | undefined
  text?: string | undefined
}

/** Seconds with six digits are nanoseconds (or cycles: the kernel prints them as if they were) without the last three. */
function timeOf(seconds: string | undefined): string | undefined {
  return seconds === undefined ? undefined : BigInt(`${seconds.replace('.', '')}000`).toString()
}

function later(time: string, ns: number): string {
  return (BigInt(time) + BigInt(ns)).toString()
}
