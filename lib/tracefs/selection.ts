/**
 * Which events: `-e sched:sched_switch`, `-e 'irq:irq_handler_entry/name ~ "virtio*"/'`, `-e 'kvm:*'`, a bare
 * `sched_switch` in whatever system has it; several with commas. The filter is the kernel's own language
 * (Documentation/trace/events.rst, 5.2) and goes to it as it is; a slash outside of quotes is written `\/`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { directories, errorLog, exists, kernelError, Refused, reasonOf, set } from './tracefs.js'

export interface Wanted {
  system: string
  name: string
  filter: string | undefined
}

export interface Selected {
  system: string
  name: string
}

/** Reads one `-e`. Throws an Error that says what is wrong with it. */
export function parseWanted(text: string): Wanted[] {
  const wanted: Wanted[] = []
  const pattern = /\s*([\w*?[\]-]+)(?::([\w*?[\]-]+))?(?:\/((?:[^/\\"]|\\.|"[^"]*")*)\/)?\s*(,|$)/y
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const [, first = '', second, filter] = pattern.exec(text) ?? fail(text, at)
    wanted.push({
      system: second === undefined ? '*' : first,
      name: second ?? first,
      filter: filter?.replaceAll('\\/', '/').trim() || undefined,
    })
  }
  if (wanted.length === 0) fail(text, 0)
  return wanted
}

function fail(text: string, at: number): never {
  throw new Error(`-e ${text}: not SYSTEM:EVENT or SYSTEM:EVENT/FILTER/ at ${JSON.stringify(text.slice(at, at + 20))}`)
}

/** The events there are that one `-e` means. Throws Refused where there is none. */
export function matching(root: string, { system, name }: Wanted): Selected[] {
  const events = join(root, 'events')
  const bare = system === '*'
  const systems = directories(events).filter((there) => there !== 'ftrace' && glob(system).test(there))
  const found = systems.flatMap((there) =>
    directories(join(events, there))
      .filter((event) => glob(name).test(event))
      .map((event) => ({ system: there, name: event })),
  )
  if (found.length === 0)
    throw new Refused(`no event ${bare ? name : `${system}:${name}`}: events/ of ${root} has those of this kernel`)
  return found.sort((a, b) => compare(a.system, b.system) || compare(a.name, b.name))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A shell's glob, as the kernel's own set_event has it. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  try {
    return new RegExp(`^(?:${source})$`)
  } catch {
    throw new Refused(`${pattern}: not a pattern`)
  }
}

/** Switches an event on in an instance, with its filter. Throws Refused, with the kernel's own words. */
export function enable(instance: string, { system, name }: Selected, filter: string | undefined): void {
  const event = `${system}:${name}`
  const at = join(instance, 'events', system, name)
  if (filter !== undefined) setFilter(instance, join(at, 'filter'), event, filter)
  set(join(at, 'enable'), 1, event)
}

function setFilter(instance: string, file: string, event: string, filter: string): void {
  if (!exists(file)) throw new Refused(`${event}: this event takes no filter`)
  const log = join(instance, 'error_log')
  const before = errorLog(log)
  try {
    set(file, filter, event)
  } catch {
    throw new Refused(`${event}: filter ${filter}: ${filterError(file) ?? kernelError(log, before) ?? 'refused'}`)
  }
}

/** After a refusal the filter's own file holds the text, a caret, and `parse_error: Field not found`. */
function filterError(file: string): string | undefined {
  try {
    return /parse_error: (.+)/.exec(readFileSync(file, 'utf8'))?.[1]
  } catch (error) {
    return reasonOf(error)
  }
}
