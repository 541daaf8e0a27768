/**
 * Setting a capture up: an instance with the events, filters, probes, tracer and clock that were asked for, and
 * the decoder told of their formats. All is undone by `remove`, in whatever state it was left.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseFormat } from '../kernel/format.js'
import { learnFormat } from '../kernel/program.js'
import { learnSymbols } from '../kernel/symbols.js'
import { setTraceClock, type TraceClock } from '../tracefs/clock.js'
import { type Instance, makeInstance, removeLeftInstances } from '../tracefs/instance.js'
import { makeProbe, type Probe, removeLeftProbes } from '../tracefs/probes.js'
import { enable, matching, type Wanted } from '../tracefs/selection.js'
import { giveBackTopLevel, takeTopLevel } from '../tracefs/top-level.js'
import { directories, exists, Refused, set } from '../tracefs/tracefs.js'
import { traceFunctions, traceGraph, tracers, traceStacks } from '../tracefs/tracers.js'

/** What is to be captured. */
export interface Request {
  events: readonly Wanted[]
  /** As `-p` has them. */
  probes: readonly string[]
  functions: readonly string[]
  graph: readonly string[]
  depth: number | undefined
  stack: boolean
  clock: string | undefined
  /** Per CPU. */
  bufferKib: number
  cpus: readonly number[] | undefined
  pids: readonly number[] | undefined
}

export interface Setup {
  instance: Instance
  /** Where marks are written: the same, or one of its own where the other does not record on all CPUs. */
  marks: Instance
  clock: TraceClock
  /** What must be closed before the instance can be removed. */
  onRemove(close: () => void): void
  /** Removes probes and instance; may be called at any time, and again. */
  remove(): void
}

/** Holds an hour of marks. */
const MARKS_KIB = 64

/** Removes what killed runs left behind. */
function cleanUp(root: string): void {
  giveBackTopLevel(root)
  removeLeftInstances(root)
  removeLeftProbes(root)
}

/** Sets it up, with tracing off. Throws Refused, and leaves nothing. */
export function setUp(root: string, request: Request, src: string): Setup {
  cleanUp(root)
  const instance = needsTopLevel(root, request) ? takeTopLevel(root) : makeInstance(root)
  const probes: Probe[] = []
  let marks = instance
  const closers: (() => void)[] = []
  const remove = () => {
    for (const close of closers.splice(0)) close()
    instance.remove()
    marks.remove()
    for (const probe of probes.splice(0)) probe.remove()
  }
  try {
    const clock = setTraceClock(instance.path, request.clock)
    setBuffer(instance.path, request)
    if (request.cpus) {
      marks = makeInstance(root, '-marks')
      setTraceClock(marks.path, clock.name)
      set(join(marks.path, 'buffer_size_kb'), MARKS_KIB, 'the buffer for marks')
    }
    learnOwnEvents(root, src, request)
    for (const wanted of request.events) enableAll(root, instance.path, wanted, src)
    request.probes.forEach((text, i) => {
      const probe = makeProbe(root, text, i)
      probes.push(probe)
      learn(root, probe, src, probe.shown)
      enable(instance.path, probe, undefined)
    })
    if (request.functions.length > 0) traceFunctions(root, instance.path, request.functions, request.stack)
    if (request.graph.length > 0) traceGraph(instance.path, request.graph, request.depth)
    if (request.stack && request.functions.length === 0) traceStacks(instance.path)
    return { instance, marks, clock, onRemove: (close) => closers.push(close), remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Before Linux 6.12 only the top level has function_graph. */
function needsTopLevel(root: string, { graph }: Request): boolean {
  if (graph.length === 0) return false
  if (!tracers(root).includes('function_graph')) throw new Refused('-g: this kernel has no tracer function_graph')
  const probe = makeInstance(root)
  try {
    return !tracers(probe.path).includes('function_graph')
  } finally {
    probe.remove()
  }
}

function setBuffer(instance: string, { bufferKib, cpus, pids, functions, graph }: Request): void {
  set(join(instance, 'buffer_size_kb'), bufferKib, `--buffer ${bufferKib}K per CPU`)
  const absent = cpus?.find((cpu) => !exists(join(instance, `per_cpu/cpu${cpu}`)))
  if (absent !== undefined) throw new Refused(`--cpu ${absent}: this machine has no such CPU`)
  if (cpus) set(join(instance, 'tracing_cpumask'), cpuMask(cpus), `--cpu ${cpus.join(',')}`)
  if (!pids) return
  set(join(instance, 'set_event_pid'), pids.join(' '), `--pid ${pids.join(',')}`)
  if (functions.length + graph.length > 0)
    set(join(instance, 'set_ftrace_pid'), pids.join(' '), `--pid ${pids.join(',')}`)
}

/** Hexadecimal words of 32 CPUs, the highest first: `1,00000003`. */
function cpuMask(cpus: readonly number[]): string {
  const count = Math.floor((cpus.at(-1) as number) / 32) + 1
  const mask = Array.from({ length: count }, () => 0)
  for (const cpu of cpus)
    mask[count - 1 - Math.floor(cpu / 32)] = (mask[count - 1 - Math.floor(cpu / 32)] as number) + 2 ** (cpu % 32)
  return mask.map((word) => word.toString(16).padStart(8, '0')).join(',')
}

function enableAll(root: string, instance: string, wanted: Wanted, src: string): void {
  for (const event of matching(root, wanted)) {
    learn(root, event, src)
    enable(instance, event, wanted.filter)
  }
}

function learn(
  root: string,
  { system, name }: { system: string; name: string },
  src: string,
  shown = { system, name },
): void {
  const format = parseFormat(readFileSync(join(root, 'events', system, name, 'format'), 'utf8'))
  learnFormat(shown.system, { ...format, name: shown.name }, src)
}

/** The kernel's own events (functions, stacks, marks); what is written to our trace_marker comes from us. */
function learnOwnEvents(root: string, src: string, request: Request): void {
  for (const name of directories(join(root, 'events/ftrace'))) {
    const format = parseFormat(readFileSync(join(root, 'events/ftrace', name, 'format'), 'utf8'))
    const traced = name.startsWith('func') || name === 'kernel_stack'
    learnFormat('ftrace', format, src, name === 'print' ? 'note' : traced ? 'event' : 'skip')
  }
  const addresses = request.functions.length + request.graph.length > 0 || request.stack
  if (addresses && existsSync('/proc/kallsyms')) learnSymbols(readFileSync('/proc/kallsyms', 'latin1'))
}
