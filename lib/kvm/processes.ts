/**
 * Processes that are guests: a QEMU process is one guest, with the name that `-name` gave it.
 *
 * `proc` is where proc(5) is mounted.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** The process that a thread is of. */
export function processOf(pid: number, proc = '/proc'): number | undefined {
  const tgid = /^Tgid:\t(\d+)$/m.exec(read(`${proc}/${pid}/status`) ?? '')?.[1]
  return tgid === undefined ? undefined : Number(tgid)
}

/**
 * `-name guest=web1,debug-threads=on`, `-name web1`, a comma in it twice; a QEMU without a name is `qemu-<pid>`; ''
 * is no QEMU.
 */
export function guestName(process: number, proc = '/proc'): string {
  const args = (read(`${proc}/${process}/cmdline`, 'utf8') ?? '').split('\0')
  if (!/^qemu-(system-|kvm)|^kvm$/.test((args[0] ?? '').replace(/^.*\//, ''))) return ''
  const at = args.findIndex((arg) => /^--?name$/.test(arg))
  const options = at < 0 ? [] : (args[at + 1] ?? '').split(/(?<!,),(?!,)/)
  const named = options.find((option, i) => option.startsWith('guest=') || (i === 0 && !option.includes('=')))
  return named?.replace(/^guest=/, '').replaceAll(',,', ',') || `qemu-${process}`
}

/** Every QEMU here, by its pid. */
export function guests(proc = '/proc'): Map<number, string> {
  const pids = readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return new Map(pids.map((pid) => [pid, guestName(pid, proc)] as const).filter(([, name]) => name !== ''))
}

/** latin1 keeps bytes as they are: a comm need not be UTF-8. */
export function read(path: string, encoding: 'latin1' | 'utf8' = 'latin1'): string | undefined {
  try {
    return readFileSync(path, encoding)
  } catch {
    return undefined
  }
}
