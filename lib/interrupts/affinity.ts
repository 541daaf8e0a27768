/**
 * Where an interrupt goes: /proc/irq/N/smp_affinity_list is what was asked for, effective_affinity_list what the
 * kernel made of it (kernel/irq/proc.c; Documentation/core-api/irq/irq-affinity.rst).
 *
 * x86 without interrupt remapping moves an MSI only when the next one comes; until then the effective CPU is the old one.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { readLine } from './machine.js'

export interface Setting {
  irq: number
  /** `0-3,8`, as the kernel writes CPUs. */
  cpus: string
}

export interface Affinity {
  affinity: string | undefined
  effective: string | undefined
}

const MAX_CPU = 65535

/** `57=1` or `57=0-3,8`. Throws an Error that says what is wrong. */
export function parseSetting(text: string): Setting {
  const [, irq, cpus = ''] = /^(\d{1,9})=(.*)$/.exec(text) ?? []
  if (irq === undefined)
    throw new Error(`--affinity ${JSON.stringify(text)} is not IRQ=CPULIST, such as 57=1 or 57=0-3,8`)
  cpusOf(cpus)
  return { irq: Number(irq), cpus }
}

/** Each CPU of a list. Throws an Error where it is none. */
export function cpusOf(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    const from = Number(first)
    const to = Number(last)
    if (first === '' || to < from || to > MAX_CPU)
      throw new Error(`${JSON.stringify(list)} is no list of CPUs, such as 1 or 0-3,8`)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

export function affinityOf(root: string, irq: number): Affinity {
  const at = `${root}/proc/irq/${irq}`
  return { affinity: readLine(`${at}/smp_affinity_list`), effective: readLine(`${at}/effective_affinity_list`) }
}

/** The CPUs of a list that are not online here. Throws an Error where there is no such interrupt, or none is online. */
export function offlineOf(root: string, { irq, cpus }: Setting): number[] {
  if (!existsSync(`${root}/proc/irq/${irq}/smp_affinity_list`)) throw new Error(`there is no interrupt ${irq}`)
  const online = readLine(`${root}/sys/devices/system/cpu/online`)
  if (online === undefined) return []
  const there = new Set(cpusOf(online))
  const wanted = cpusOf(cpus)
  const offline = wanted.filter((cpu) => !there.has(cpu))
  if (offline.length === wanted.length)
    throw new Error(
      `interrupt ${irq}: ${offline.length > 1 ? `none of CPUs ${cpus}` : `CPU ${cpus} is not`} online; those are ${online}`,
    )
  return offline
}

/** Asks the kernel. Throws an Error that says why it would not. */
export function setAffinity(root: string, { irq, cpus }: Setting): void {
  try {
    writeFileSync(`${root}/proc/irq/${irq}/smp_affinity_list`, `${cpus}\n`)
  } catch (error) {
    throw new Error(`interrupt ${irq}: ${refusal(error as NodeJS.ErrnoException, cpus)}`)
  }
}

function refusal({ code = '', message }: NodeJS.ErrnoException, cpus: string): string {
  const known: Record<string, string> = {
    EACCES: 'permission denied: to set an affinity needs root',
    EPERM: 'permission denied: to set an affinity needs root',
    EROFS: 'permission denied: /proc is mounted read-only',
    EIO: 'the kernel does not let it be moved: its driver has the kernel manage its affinity, or it is of one CPU alone',
    EINVAL: `the kernel takes no ${cpus} for it: no such CPU is online`,
    EOVERFLOW: `the kernel takes no ${cpus} for it: it has no such CPU`,
    ERANGE: `the kernel takes no ${cpus} for it: it has no such CPU`,
    ENOSPC: `no vector is left on ${cpus}`,
  }
  return known[code] ?? message
}

/** `0-3, in effect 2` */
export function affinityText({ affinity = '?', effective }: Affinity): string {
  return effective === undefined ? affinity : `${affinity}, in effect ${effective}`
}

/** Said where what is in effect is not yet of what was set. */
export function pendingText({ affinity, effective }: Affinity): string {
  if (affinity === undefined || effective === undefined) return ''
  const allowed = new Set(cpusOf(affinity))
  return cpusOf(effective).every((cpu) => allowed.has(cpu)) ? '' : ' until the next one comes'
}
