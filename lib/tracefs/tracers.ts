/**
 * The function tracers of an instance: `function` (each call of the functions chosen) and `function_graph` (their
 * entry and exit, and what they call). Documentation/trace/ftrace.rst.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exists, Refused, set } from './tracefs.js'

const STACKS = 'options/func_stack_trace'

/** `-f` patterns, with the stack of each call or without. Throws Refused; never traces all functions by mistake. */
export function traceFunctions(root: string, instance: string, functions: readonly string[], stacks: boolean): void {
  chooseFunctions(instance, 'set_ftrace_filter', '-f', functions)
  setTracer(instance, 'function', '-f')
  if (exists(join(instance, STACKS))) setFunctionStacks(root, instance, stacks)
  else if (stacks) throw new Refused(NO_STACKS)
}

/**
 * The option is the function tracer's and one for all instances (Linux 6.1, kernel/trace/trace_functions.c,
 * `func_flags`), yet an instance takes what stands there as it is set, and keeps it. So it is set for this one,
 * and through the top level at once again what it was: nobody else's next capture has our stacks.
 */
function setFunctionStacks(root: string, instance: string, stacks: boolean): void {
  const [shared, wanted] = [readFileSync(join(root, STACKS), 'utf8').trim(), stacks ? '1' : '0']
  if (readFileSync(join(instance, STACKS), 'utf8').trim() === wanted) return
  set(join(instance, STACKS), wanted, '--stack')
  set(join(root, STACKS), shared, '--stack')
}

/** The stack of each event. Throws Refused. */
export function traceStacks(instance: string): void {
  if (!exists(join(instance, 'options/stacktrace'))) throw new Refused(NO_STACKS)
  set(join(instance, 'options/stacktrace'), 1, '--stack')
}

const NO_STACKS = '--stack: this kernel does not record stacks'

/** `-g` patterns: these functions and what they call. */
export function traceGraph(instance: string, functions: readonly string[], depth: number | undefined): void {
  if (functions.length > 0) chooseFunctions(instance, 'set_graph_function', '-g', functions)
  if (depth !== undefined) set(join(instance, 'max_graph_depth'), depth, '--depth')
  setTracer(instance, 'function_graph', '-g')
}

/** Whether an instance of its own may have function_graph (Linux 6.12 and later), or only the top level. */
export function tracers(instance: string): string[] {
  return readFileSync(join(instance, 'available_tracers'), 'utf8').trim().split(/\s+/)
}

const NO_FUNCTION = 'no such function that can be traced (available_filter_functions has them)'

function setTracer(instance: string, name: string, option: string): void {
  if (!tracers(instance).includes(name)) throw new Refused(`${option}: this kernel has no tracer ${name}`)
  set(join(instance, 'current_tracer'), name, `${option}: tracer ${name}`)
}

function chooseFunctions(instance: string, name: string, option: string, functions: readonly string[]): void {
  const file = join(instance, name)
  if (!exists(file)) throw new Refused(`${option}: this kernel traces no functions`)
  const patterns = functions.join(' ')
  set(file, patterns, `${option} ${patterns}`, { EINVAL: NO_FUNCTION })
  const chosen = readFileSync(file, 'utf8')
  if (chosen.startsWith('####')) throw new Refused(`${option} ${patterns}: ${NO_FUNCTION}`)
}
