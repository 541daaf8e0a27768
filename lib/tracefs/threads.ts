/**
 * Threads by number: a thread's comm, and the guest that it works for.
 *
 * An event has a pid; its comm is known from sched events (the decoder learns these by itself), from the kernel's
 * own cache (saved_cmdlines), or from /proc. The threads of a QEMU process, and the vhost workers named
 * `vhost-<qemu pid>`, work for its guest.
 */
import { join } from 'node:path'
import { guestName, processOf, read } from '../kvm/processes.js'
import { allocate, bytes, scanner } from '../wire/memory.js'
import { idOf } from '../wire/names.js'

export interface Threads {
  /** Tells the decoder what is known of a thread. */
  tell(pid: number): void
  /** Threads may have another comm by now: those that come again are looked up again. */
  forget(): void
  /** The kernel's pids are not those of /proc here (a pid namespace): /proc is not asked. */
  distrustProc(): void
}

/** The kernel's cache is read at most so often: it is a text of 128 lines or more. */
const SAVED_MS = 20

/** `guests`: also find out which guest a thread works for. */
export function threads(root: string, guests: boolean): Threads {
  const room = allocate(64)
  const names = new Map<number, string>()
  let saved = new Map<number, string>()
  let savedAt = Number.NEGATIVE_INFINITY
  let proc = true

  function tell(pid: number): void {
    const comm = pid === 0 ? '<idle>' : ((proc ? commOf(pid) : undefined) ?? savedComm(pid) ?? '')
    const vm = guests && proc && pid !== 0 ? guestOf(pid, comm) : ''
    scanner.setThread(pid, room, bytes.write(comm, room, 16, 'latin1'), vm ? idOf(vm) : 0)
  }

  /** A thread that has ended meanwhile may have come into the kernel's cache since that was read. */
  function savedComm(pid: number): string | undefined {
    const now = performance.now()
    if (!saved.has(pid) && now - savedAt > SAVED_MS) {
      saved = savedComms(root)
      savedAt = now
    }
    return saved.get(pid)
  }

  function guestOf(pid: number, comm: string): string {
    const worker = /^vhost-(\d+)$/.exec(comm)?.[1]
    const process = worker === undefined ? processOf(pid) : Number(worker)
    if (process === undefined) return ''
    const known = names.get(process) ?? guestName(process)
    names.set(process, known)
    return known
  }

  return {
    tell,
    distrustProc() {
      proc = false
    },
    forget() {
      saved.clear()
      names.clear()
      scanner.forgetThreads()
    },
  }
}

/** As bytes: a comm need not be UTF-8. */
function commOf(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.replace(/\n$/, '')
}

/** `1234 qemu-system-x86` a line. */
function savedComms(root: string): Map<number, string> {
  const text = read(join(root, 'saved_cmdlines')) ?? ''
  return new Map([...text.matchAll(/^(\d+) (.+)$/gm)].map(([, pid, comm = '']) => [Number(pid), comm]))
}
