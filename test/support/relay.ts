/** Between a client and its server: connections can be cut at any byte, and stopped from reading. */
import { createConnection, createServer, type Server, type Socket } from 'node:net'

export interface Relay {
  /** Where clients connect: `127.0.0.1:41235`. */
  readonly address: string
  cut(): void
  pause(): void
  resume(): void
  close(): void
}

/** `to` is `host:port`. */
export async function relay(to: string): Promise<Relay> {
  const [host, number] = to.split(':')
  let pairs: [Socket, Socket][] = []
  const server: Server = createServer((near) => {
    const far = createConnection({ host, port: Number(number) })
    const pair: [Socket, Socket] = [near, far]
    pairs.push(pair)
    far.pipe(near)
    for (const socket of pair)
      socket
        .on('error', () => {})
        .on('close', () => {
          near.destroy()
          far.destroy()
          pairs = pairs.filter((other) => other !== pair)
        })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    pause() {
      for (const [near, far] of pairs) far.unpipe(near).pause()
    },
    resume() {
      for (const [near, far] of pairs) far.pipe(near)
    },
    close() {
      cut()
      server.close()
    },
  }
}
