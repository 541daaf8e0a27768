/**
 * One line that the function_graph tracer prints (kernel/trace/trace_functions_graph.c). Columns come and go with the
 * tracer's options (funcgraph-abstime, -proc, latency-format):
 *
 *      1340.998351 |   0)  irqfd-p-1813  |  d..5. | + 20.228 us   |                  } /* enqueue_entity *\/
 *                      1)   4.348 us    |    __srcu_read_lock();
 *
 * A call that holds others is a line with `{` and one with `}`, a call without any is one line with `();`. The depth
 * is in the indentation, two blanks each: newer kernels print arguments, results and callers besides, which are left
 * out. The mark before a duration only says how large it is.
 */
import { MAX_CPU, MAX_PID } from '../assembly/layout.js'

interface Place {
  cpu: number
  /** Seconds, as printed. */
  time?: string | undefined
  comm?: string | undefined
  pid?: number | undefined
  flags?: string | undefined
}

export interface Call extends Place {
  kind: 'entry' | 'leaf' | 'exit'
  depth: number
  /** Absent at a `}` that names nothing. */
  func?: string | undefined
  module?: string | undefined
  duration_ns?: number | undefined
}

/** What another tracepoint printed, `name: fields`, or trace_printk(). */
export interface Comment extends Place {
  kind: 'comment'
  text: string
}

/** `==========>`: the next function is the kernel's entry to an interrupt; `<==========`: it has returned. */
export interface Interrupt extends Place {
  kind: 'irq-entry' | 'irq-exit'
}

export interface Switch {
  kind: 'switch'
  cpu: number
  prev_comm: string
  prev_pid: number
  next_comm: string
  next_pid: number
}

export interface Lost {
  kind: 'lost'
  cpu: number
  count: string
}

export type GraphLine = Call | Comment | Interrupt | Switch | Lost | { kind: 'header' | 'blank' | 'rule' }

/** A task's column is cut to 7 characters of its comm. */
const PLACE =
  /^ *(?:(\d+\.\d{6}) \| *)?(\d{1,5})\)(?: *([^|]{0,7}?)-(\d{1,10}) *\|)?(?: +([^\s|\d+!#*@$][^\s|]{3,5}) \|)? *(.*)$/
const DURATION = /^(?:[+!#*@$&] *)?(\d+)(?:\.(\d{1,3}))? us *\|/
const CALL = /^([^\s(){};]+)(?: \[([^\]\s]+)\])?\(.*\)( \{|;)(?: *\/\*.*\*\/)?$/
const EXIT = /^\}(?: \/\* ([^\s*]+)(?: \[([^\]\s]+)\])?.*\*\/)?$/
const SWITCH = /^ *(\d{1,5})\) +(.{0,7}?)-(\d{1,10}) +=> +(.{0,7}?)-(\d{1,10}) *$/
const LOST = /^CPU:(\d{1,5}) \[LOST (\d{1,19}) EVENTS\]$/

/** A string says why the line is none. */
export function graphLine(line: string): GraphLine | string {
  if (line.startsWith('#')) return { kind: 'header' }
  if (/^\s*$/.test(line)) return { kind: 'blank' }
  if (/^ ?-{20,} *$|^ \(Overruns: \d+\)$/.test(line)) return { kind: 'rule' }
  const lost = LOST.exec(line)
  if (lost) return { kind: 'lost', cpu: Number(lost[1]), count: lost[2] as string }
  return switchLine(line) ?? placed(line)
}

function switchLine(line: string): Switch | undefined {
  const [, cpu, prev_comm = '', prev_pid, next_comm = '', next_pid] = SWITCH.exec(line) ?? []
  if (cpu === undefined) return undefined
  return {
    kind: 'switch',
    cpu: Number(cpu),
    prev_comm,
    prev_pid: Number(prev_pid),
    next_comm,
    next_pid: Number(next_pid),
  }
}

function placed(line: string): GraphLine | string {
  const [, time, cpu, comm, pid, flags, rest = ''] = PLACE.exec(line) ?? []
  if (cpu === undefined) return 'no line of the function_graph tracer'
  if (Number(cpu) >= MAX_CPU || Number(pid ?? 0) >= MAX_PID) return 'a CPU or pid that cannot be'
  const place: Place = { cpu: Number(cpu), time, comm, pid: pid === undefined ? undefined : Number(pid), flags }
  if (/^==========> *\|/.test(rest)) return { kind: 'irq-entry', ...place }
  if (/^<========== *\|/.test(rest)) return { kind: 'irq-exit', ...place }
  return graphText(place, rest)
}

/** What stands behind the columns of the place: `+ 20.228 us   |    } /* enqueue_entity *\/`. */
export function graphText(place: Place, text: string): GraphLine | string {
  const duration = DURATION.exec(text)
  const body = duration ? text.slice(duration[0].length) : text.replace(/^\|/, '')
  return called(place, nanoseconds(duration), body.trimEnd())
}

function called(place: Place, duration_ns: number | undefined, body: string): GraphLine | string {
  const text = body.trimStart()
  if (text.startsWith('/*') && text.endsWith('*/')) return { kind: 'comment', ...place, text: text.slice(2, -2).trim() }
  const indent = body.length - text.length
  if (indent < 2 || indent % 2 !== 0) return 'a function without its indentation'
  const depth = indent / 2 - 1
  const exit = EXIT.exec(text)
  if (exit) return { kind: 'exit', ...place, depth, func: exit[1], module: exit[2], duration_ns }
  const [, func, module, sign] = CALL.exec(text) ?? []
  if (func === undefined) return 'neither a function nor its end (the line may be cut)'
  if (sign === ';') return { kind: 'leaf', ...place, depth, func, module, duration_ns }
  return { kind: 'entry', ...place, depth, func, module }
}

/** Microseconds; the kernel prints as many digits of the nanoseconds as there is room for. */
function nanoseconds(duration: RegExpExecArray | null): number | undefined {
  if (!duration) return undefined
  const ns = Number(duration[1]) * 1000 + Number((duration[2] ?? '').padEnd(3, '0'))
  return Number.isSafeInteger(ns) ? ns : undefined
}
