/**
 * The function tracers of an instance: `function` (each call of the functions chosen) and `function_graph` (their
 * entry and exit, and what they call). Documentation/trace/ftrace.rst.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exists, Refused, set } from './tracefs.js'

/** `-f` patterns. Throws Refused; never leaves all functions of the kernel traced by mistake. */
export function traceFunctions(instance: string, functions: readonly string[]): void {
  chooseFunctions(instance, 'set_ftrace_filter', '-f', functions)
  setTracer(instance, 'function', '-f')
}

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
