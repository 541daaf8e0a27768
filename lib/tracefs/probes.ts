/**
 * Probes of our own: `-p vfs_read`, `-p 'vfs_read%return ret=$retval'`, `-p '/usr/sbin/ovs-vswitchd:netdev_send'`.
 *
 * The kernel's kprobe_events and uprobe_events (Documentation/trace/kprobetrace.rst, uprobetracer.rst) are shared
 * by all, so ours are in a group that names this process; in the stream they have the names that perf probe would
 * give them: `probe:vfs_read`, `probe_ovs_vswitchd:netdev_send__return`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { functionOffset } from './elf.js'
import { isLeftBehind, maker } from './instance.js'
import { add, errorLog, exists, kernelError, Refused, reasonOf } from './tracefs.js'

export interface Probe {
  /** As the kernel has it: group and name. */
  system: string
  name: string
  /** What its events are called in the stream. */
  shown: { system: string; name: string }
  remove(): void
}

interface Place {
  file: 'kprobe_events' | 'uprobe_events'
  /** `vfs_read+4`, `/bin/bash:0x4245c0` */
  at: string
  system: string
  name: string
  isReturn: boolean
}

/** Makes a probe. Throws Refused, with the kernel's own words. */
export function makeProbe(root: string, text: string, index: number): Probe {
  const [, given, target = '', args = ''] = /^\s*(?:(\w+)=)?(\S+)\s*(.*)$/.exec(text) ?? []
  if (!target) throw new Refused('-p: an empty probe')
  const place = placeOf(target)
  const file = join(root, place.file)
  if (!exists(file))
    throw new Refused(`-p ${text}: this kernel has no ${place.file === 'kprobe_events' ? 'kprobes' : 'uprobes'}`)
  const group = maker('_')
  const name = `${(given ?? place.name).slice(0, 40)}_${index}`
  const log = join(root, 'error_log')
  const before = errorLog(log)
  try {
    add(file, `${place.isReturn ? 'r' : 'p'}:${group}/${name} ${place.at} ${args}`.trim(), text)
  } catch (error) {
    throw new Refused(`-p ${text}: ${kernelError(log, before) ?? (error as Error).message.slice(text.length + 2)}`)
  }
  return {
    system: group,
    name,
    shown: { system: place.system, name: given ?? (place.isReturn ? `${place.name}__return` : place.name) },
    remove: () => removeProbe(file, `${group}/${name}`),
  }
}

function removeProbe(file: string, name: string): void {
  try {
    add(file, `-:${name}`, name)
  } catch (error) {
    throw new Refused(`the probe ${name} cannot be removed: ${(error as Error).message}`)
  }
}

/** `[PATH:]SYMBOL[+OFFSET][%return]`; of a file also `PATH:0xOFFSET`. */
function placeOf(target: string): Place {
  const isReturn = target.endsWith('%return')
  const place = isReturn ? target.slice(0, -'%return'.length) : target
  const [, path, what = ''] = /^(?:(\/.*):)?([^/]+)$/.exec(place) ?? []
  if (!what) throw new Refused(`-p ${target}: not SYMBOL, SYMBOL%return or /PATH:SYMBOL`)
  const [, symbol = '', plus = '0'] = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(what) ?? []
  const name = identifier(symbol.replace(/^.*:/, ''))
  if (path === undefined) return { file: 'kprobe_events', at: what, system: 'probe', name, isReturn }
  if (!existsSync(path)) throw new Refused(`-p ${target}: ${path}: no such file`)
  const offset = (/^0x[0-9a-f]+$/i.test(symbol) ? Number(symbol) : offsetOf(target, path, symbol)) + Number(plus)
  const system = `probe_${identifier(basename(path).replace(/\.so\b.*/, ''))}`
  return { file: 'uprobe_events', at: `${path}:0x${offset.toString(16)}`, system, name, isReturn }
}

function offsetOf(target: string, path: string, symbol: string): number {
  try {
    return functionOffset(path, symbol)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ? reasonOf(error) : (error as Error).message
    throw new Refused(`-p ${target}: ${path} ${reason}`)
  }
}

/** What may be a name of an event. */
function identifier(text: string): string {
  return text.replace(/\W/g, '_').replace(/^(?=\d)/, '_')
}

/** Removes the probes that killed runs left. One that is in use stays. */
export function removeLeftProbes(root: string): void {
  for (const file of ['kprobe_events', 'uprobe_events'].map((name) => join(root, name))) {
    if (!exists(file)) continue
    for (const [, group = '', name] of readFileSync(file, 'utf8').matchAll(/^[pr]\d*:([^/\s]+)\/(\S+)/gm)) {
      if (!isLeftBehind(group)) continue
      try {
        removeProbe(file, `${group}/${name}`)
      } catch {
        // in use by somebody who enabled it; the next run tries again
      }
    }
  }
}
