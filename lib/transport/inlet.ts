/** An inlet: where a stream is pulled from, opened once or, where it may come again, again and again. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty, ReadStream } from 'node:tty'
import { bytes } from '../wire/memory.js'
import { openSource, type Source, streamSource } from '../wire/source.js'
import { connected } from './connection.js'
import { kindOf, type Target } from './target.js'

export interface Inlet {
  readonly name: string
  /** Its end may be an interruption: a connection or a device, which can be taken up again. */
  readonly lasting: boolean
  /** Throws what the system says. */
  open(): Promise<Source>
}

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants
const FIRST_LOOK_MS = 1
const LAST_LOOK_MS = 50

export function inlet(target: Target): Inlet {
  const { name } = target
  if (target.kind === 'tcp') {
    const { host, port } = target
    return connection(name, { host, port })
  }
  if (target.kind === 'nats') throw new Error(`${name} is a stream of messages (nats-pull.ts)`)
  if (target.kind === 'unix') return connection(name, { path: target.path })
  if (target.kind === 'standard') return { name: 'stdin', lasting: false, open: async () => openSource('-') }
  const { path } = target
  const kind = kindOf(path)
  if (kind === 'socket') return connection(name, { path })
  if (kind === 'device' || (kind === 'absent' && path.startsWith('/dev/')))
    return { name, lasting: true, open: async () => deviceSource(path) }
  if (kind === 'fifo') return { name, lasting: false, open: async () => fifoSource(path) }
  return { name, lasting: false, open: async () => openSource(path) }
}

function connection(name: string, address: Parameters<typeof connected>[0]): Inlet {
  return { name, lasting: true, open: async () => streamSource(name, await connected(address)) }
}

/** Opened without waiting for a writer, so that ^C is heard. */
function fifoSource(path: string): Source {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK)
  return { ...openSource(`/dev/fd/${fd}`), name: path }
}

/** A terminal gives its bytes as they come; of another device nothing tells when it can be read. */
function deviceSource(path: string): Source {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  if (isatty(fd)) return streamSource(path, new ReadStream(fd).setRawMode(true))
  let stopped = false
  return {
    name: path,
    live: true,
    async read(to, max) {
      for (let delay = FIRST_LOOK_MS; !stopped; delay = Math.min(2 * delay, LAST_LOOK_MS)) {
        try {
          return readSync(fd, bytes, to, max, null)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
        }
        await sleep(delay)
      }
      return 0
    },
    stop() {
      stopped = true
    },
    close: () => closeSync(fd),
  }
}
