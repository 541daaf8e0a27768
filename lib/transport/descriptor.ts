/**
 * Channels that are descriptors: a character device, a FIFO, a file, stdout.
 *
 * A virtio-serial port (drivers/char/virtio_console.c) has one opener at a time (EBUSY), takes at most 32 KiB a
 * write, and answers EAGAIN while no host is connected or the host does not read. Nothing tells when that changes
 * that Node can wait for, so it is tried again, less and less often: each try costs, and an idle guest that
 * traces itself would see it.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClosedPipe } from '../wire/output.js'
import { TransportError, transportError } from './failure.js'
import type { Channel } from './single.js'
import { kindOf } from './target.js'

const FIRST_TRY_MS = 1
const LAST_TRY_MS = 100
const LOOK_MS = 200
/** A trace tells what a machine does: nobody else reads it unless the owner says so. */
const OWNER_ALONE = 0o600

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants

export interface Waiting {
  /** Wait for what is not there yet. */
  wait: boolean
  stopped(): boolean
  say(message: string): void
}

/** Standard output. */
export function standardChannel(): Channel {
  return descriptorChannel('stdout', 1)
}

/** What is at the path; a file is made anew. */
export async function pathChannel(path: string, waiting: Waiting): Promise<Channel> {
  let said = false
  while (true) {
    const fd = tryOpen(path, waiting.wait)
    if (typeof fd === 'number') return descriptorChannel(path, fd)
    if (waiting.stopped()) throw new TransportError(`${path}: ${fd.stopped}`)
    if (!said) waiting.say(`${path}: ${fd.missing}; waiting`)
    said = true
    await sleep(LOOK_MS)
  }
}

/** The descriptor, or what is missing for the time being. */
function tryOpen(path: string, wait: boolean): number | { missing: string; stopped: string } {
  const kind = kindOf(path)
  if (kind === 'absent' && isDevice(path)) {
    if (!wait) throw new TransportError(`${path}: no such port; --wait waits for one`)
    return { missing: 'no such port yet', stopped: 'it never came' }
  }
  try {
    if (kind === 'file' || kind === 'absent') return openSync(path, 'w', OWNER_ALONE)
    return openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // fifo(7): opened for writing without waiting, while nobody reads
    if (kind === 'fifo' && code === 'ENXIO') return { missing: 'nobody reads it yet', stopped: 'nobody has read it' }
    if (wait && code === 'EBUSY') return { missing: 'busy: somebody else has it open', stopped: 'it stayed busy' }
    throw transportError(path, error)
  }
}

/** Devices are not made by writing to them. */
function isDevice(path: string): boolean {
  return path.startsWith('/dev/') && !path.startsWith('/dev/shm/')
}

function descriptorChannel(name: string, fd: number): Channel {
  let delay = FIRST_TRY_MS
  let timer: NodeJS.Timeout | undefined
  return {
    write(bytes, wake) {
      try {
        const n = writeSync(fd, bytes)
        delay = FIRST_TRY_MS
        return n
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EPIPE') throw new ClosedPipe()
        if (code === 'ENODEV') throw new TransportError(`${name}: unplugged`)
        if (code !== 'EAGAIN') throw transportError(name, error)
      }
      clearTimeout(timer)
      timer = setTimeout(wake, delay)
      delay = Math.min(2 * delay, LAST_TRY_MS)
      return 0
    },
    close() {
      clearTimeout(timer)
      if (fd > 2) closeSync(fd)
    },
  }
}
