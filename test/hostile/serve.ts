/** The other end of an attack on this machine: a server whose first client gets the stream up to the first CUT, and so on. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Attack, CUT } from './pieces.js'

export interface Served {
  /** For pull. */
  target: string
  /** What came last, some of it. */
  last: string
  /** All has been sent. */
  over: Promise<void>
  close(): void
}

/** On a unix socket, or without one on a TCP port. */
export async function serve(attack: Attack, size: number, path?: string): Promise<Served> {
  const pieces = attack.pieces(size)[Symbol.iterator]()
  let finish: () => void = () => {}
  const served: Served = {
    target: '',
    last: '',
    over: new Promise((resolve) => {
      finish = resolve
    }),
    close: () => server.close(),
  }
  const server = createServer(async (socket) => {
    socket.on('error', () => {})
    for (let next = pieces.next(); !next.done; next = pieces.next()) {
      const piece = next.value
      if (piece === CUT) {
        socket.end()
        return
      }
      if (typeof piece === 'number') await sleep(piece)
      else {
        served.last = (served.last + String(piece).slice(-200)).slice(-200)
        await put(socket, Buffer.from(piece as Buffer))
      }
    }
    socket.end(finish)
  })
  server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path })
  await once(server, 'listening')
  const at = server.address()
  served.target = typeof at === 'object' && at ? `127.0.0.1:${at.port}` : `unix:${at}`
  return served
}

/** Once the socket has taken it, or is gone. */
function put(socket: Socket, bytes: Buffer): Promise<void> | undefined {
  if (socket.destroyed || socket.write(bytes)) return undefined
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}
