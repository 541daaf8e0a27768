/**
 * A private instance of tracefs (instances/NAME): its own ring buffers, events, filters and clock, so that nobody
 * else's tracing is touched, and none of ours is left behind.
 *
 * The name tells who made it: `vmpipe-<pid>-<start time of the process>`. One whose maker is gone (kill -9) is
 * removed by the next; the kernel refuses to remove one that is still being read.
 */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { directories, exists, Refused, reasonOf, set } from './tracefs.js'

export interface Instance {
  readonly name: string
  /** Its directory; files below are as in tracefs itself. */
  readonly path: string
  remove(): void
}

const OURS = /^vmpipe[-_](\d+)[-_](\d+)(?:-\w+)?$/

/** This process, as no other was or will be: its pid, and the ticks at which it started (proc(5), stat field 22). */
export function maker(separator: '-' | '_'): string {
  return `vmpipe${separator}${process.pid}${separator}${startOf('self')}`
}

/** Whether a name of `maker` is that of a process that is no more. */
export function isLeftBehind(name: string): boolean {
  const [, pid, start] = OURS.exec(name) ?? []
  return pid !== undefined && startOf(pid) !== start
}

function startOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Makes one, with tracing off; a second one of the same process has a suffix. Throws Refused. */
export function makeInstance(root: string, suffix = ''): Instance {
  const instances = join(root, 'instances')
  if (!exists(instances)) throw new Refused('this kernel has no tracing instances (Linux 3.10 and later have)')
  const name = maker('-') + suffix
  const path = join(instances, name)
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') throw new Refused('tracing needs root: no instance may be made')
    throw new Refused(`no tracing instance can be made: ${reasonOf(error)}`)
  }
  let there = true
  const instance = {
    name,
    path,
    remove() {
      if (!there) return
      removeInstance(path)
      there = false
    },
  }
  set(join(path, 'tracing_on'), 0, 'tracing_on')
  return instance
}

/** Removes it; the kernel may need a moment until the last reader is gone. Throws Refused when it stays. */
function removeInstance(path: string): void {
  for (let left = 20; ; left--) {
    try {
      rmdirSync(path)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || left === 0) throw new Refused(`${path} cannot be removed: ${reasonOf(error)}`)
      Atomics.wait(pause, 0, 0, 10)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Removes the instances that killed runs left; answers their names. One that is still read by somebody stays. */
export function removeLeftInstances(root: string): string[] {
  const instances = join(root, 'instances')
  if (!exists(instances)) return []
  return directories(instances)
    .filter(isLeftBehind)
    .filter((name) => {
      try {
        rmdirSync(join(instances, name))
        return true
      } catch {
        return false
      }
    })
}
