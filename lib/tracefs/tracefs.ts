/**
 * tracefs: where it is mounted, and reading and writing its files with the kernel's own reasons.
 *
 * A write that the kernel refuses is an errno and no more; what was wrong stands in `error_log` (Linux 5.2 and
 * later) or, for a filter, in the filter's own file.
 */
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The kernel, or this machine, will not: the message is for people. */
export class Refused extends Error {}

/** Where the tracefs of this machine is. Throws Refused, with what to do. */
export function tracefs(): string {
  const path = mounts().find((at) => readable(join(at, 'trace_clock')))
  if (path) return path
  if (process.getuid?.() !== 0) throw new Refused('tracing needs root (or CAP_DAC_OVERRIDE, see capture-host(1))')
  throw new Refused('no tracefs here: mount -t tracefs nodev /sys/kernel/tracing')
}

/** Mount points of tracefs, then where it is known to be. */
function mounts(): string[] {
  const table = readFileSync('/proc/self/mounts', 'utf8')
  const found = [...table.matchAll(/^\S+ (\S+) tracefs /gm)].map(([, at = '']) => at)
  return [...found, '/sys/kernel/tracing', '/sys/kernel/debug/tracing']
}

function readable(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}

export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

export function directories(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** Sets a file of tracefs. Throws Refused: `what` and the system's reason, or a better one for that errno. */
export function set(path: string, text: string | number, what: string, better: Record<string, string> = {}): void {
  attempt(what, () => writeFileSync(path, `${text}\n`), better)
}

/** Adds a line to a file that keeps the others (kprobe_events, set_event). */
export function add(path: string, line: string, what: string): void {
  attempt(what, () => appendFileSync(path, `${line}\n`))
}

function attempt(what: string, write: () => void, better: Record<string, string> = {}): void {
  try {
    write()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Refused(`${what}: ${better[code] ?? reasonOf(error)}`)
  }
}

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EBUSY: 'busy',
  EINVAL: 'the kernel refuses it',
  ENODEV: 'no such device',
  ENOENT: 'this kernel does not have it',
  ENOMEM: 'not enough memory',
  ENOSPC: 'no space left',
  EPERM: 'not permitted',
}

export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return (code && reasons[code]) ?? message
}

/**
 * What the kernel last wrote to an error_log: `trace_uprobe: error: Failed to find symbol`. Undefined where it
 * has no log, or the log has not changed since `before`.
 */
export function kernelError(log: string, before = ''): string | undefined {
  const text = errorLog(log)
  if (text === before) return undefined
  const last = [...text.matchAll(/^\[[^\]]*\] .*error: (.+)$/gm)].at(-1)
  return last?.[1]?.trim()
}

export function errorLog(log: string): string {
  try {
    return readFileSync(log, 'utf8')
  } catch {
    return ''
  }
}
