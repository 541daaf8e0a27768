/**
 * The top-level buffer: tracefs itself, which all share. function_graph before Linux 6.12 runs nowhere else.
 *
 * It is taken only when nobody uses it, and given back as it was: each setting is read before it is changed, and
 * what a killed run changed is put back by the next from a note in /run.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Instance, isLeftBehind, maker } from './instance.js'
import { exists, Refused, set } from './tracefs.js'

const NOTES = '/run/vmpipe'

/** What a capture may change, in the order in which it is put back. */
const SETTINGS = [
  'max_graph_depth',
  'tracing_cpumask',
  'buffer_size_kb',
  'trace_clock',
  'options/stacktrace',
  'options/funcgraph-irqs',
  'options/event-fork',
  'tracing_on',
]

/** Files in which nothing stands when nobody uses them; emptied when it is given back. */
const CHOICES = [
  'set_event',
  'set_event_pid',
  'set_event_notrace_pid',
  'set_ftrace_pid',
  'set_ftrace_notrace_pid',
  'set_ftrace_filter',
  'set_graph_function',
]

/** Throws Refused while somebody uses it. */
export function takeTopLevel(root: string): Instance {
  refuseIfUsed(root)
  const settings = Object.fromEntries(
    SETTINGS.filter((name) => exists(join(root, name))).map((name) => [name, current(read(root, name))]),
  )
  mkdirSync(NOTES, { recursive: true, mode: 0o700 })
  const note = join(NOTES, maker('-'))
  writeFileSync(note, JSON.stringify(settings), { mode: 0o600 })
  let taken = true
  set(join(root, 'tracing_on'), 0, 'tracing_on')
  return {
    name: 'top level',
    path: root,
    remove() {
      if (!taken) return
      giveBack(root, settings)
      rmSync(note, { force: true })
      taken = false
    },
  }
}

/** Gives back what a killed run took. */
export function giveBackTopLevel(root: string): void {
  if (!exists(NOTES)) return
  for (const name of readdirSync(NOTES).filter(isLeftBehind)) {
    const note = join(NOTES, name)
    giveBack(root, JSON.parse(readFileSync(note, 'utf8')))
    rmSync(note, { force: true })
  }
}

function giveBack(root: string, settings: Record<string, string>): void {
  set(join(root, 'tracing_on'), 0, 'tracing_on')
  set(join(root, 'current_tracer'), 'nop', 'current_tracer')
  for (const name of CHOICES.filter((choice) => read(root, choice) !== '')) set(join(root, name), '', name)
  set(join(root, 'events/enable'), 0, 'events/enable')
  writeFileSync(join(root, 'trace'), '')
  for (const [name, value] of Object.entries(settings)) set(join(root, name), value, name)
}

function refuseIfUsed(root: string): void {
  const busy = (why: string) => new Refused(`the top-level trace buffer is in use: ${why}`)
  const tracer = read(root, 'current_tracer')
  if (tracer !== 'nop') throw busy(`its tracer is ${tracer}`)
  const used = CHOICES.find((name) => exists(join(root, name)) && !isEmpty(read(root, name)))
  if (used) throw busy(`${used} is set`)
  if (!/entries-in-buffer\/entries-written: 0\/0|^#\s*$/m.test(head(root))) throw busy('it holds events (echo > trace)')
}

/** `#### all functions enabled ####`, `no pid` */
function isEmpty(text: string): boolean {
  return text === '' || text.startsWith('####') || /^no pid/.test(text)
}

function head(root: string): string {
  return readFileSync(join(root, 'trace'), 'utf8').slice(0, 400)
}

/** A file that may not be read says nothing: what cannot be seen cannot be changed either. */
function read(root: string, name: string): string {
  try {
    return readFileSync(join(root, name), 'utf8').trim()
  } catch {
    return ''
  }
}

/** `local [x86-tsc]`: the chosen one; `1408 (expanded: …)`, `7 (expanded: 1408)`: the first number. */
function current(text: string): string {
  return /\[(.+?)\]/.exec(text)?.[1] ?? text.replace(/ \(.*/, '')
}
