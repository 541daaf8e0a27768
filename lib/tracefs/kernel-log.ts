/** The kernel's log (dmesg): /dev/kmsg, a record a read, EAGAIN at its end (Documentation/ABI/testing/dev-kmsg). */
import { closeSync, constants, openSync, readSync } from 'node:fs'

/** '' where it may not be read. */
export function readKernelLog(): string {
  try {
    const fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return records(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    return ''
  }
}

function records(fd: number): string {
  const record = Buffer.alloc(8192)
  let text = ''
  while (true) {
    try {
      const length = readSync(fd, record)
      if (length === 0) return text
      text += record.toString('utf8', 0, length)
    } catch (error) {
      // EPIPE: records were overwritten meanwhile; the next read goes on behind them
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return text
    }
  }
}
