/**
 * An outlet that listens and broadcasts: clients come and go, each gets every line from the time it came, in a
 * session of its own that begins with the `stream` records known by then. One that reads slowly loses lines, and
 * never delays the others (client.ts).
 */
import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Members } from '../wire/comment.js'
import { type Client, client } from './client.js'
import { type Address, connected } from './connection.js'
import { TransportError, transportError } from './failure.js'
import type { Outlet, OutletOptions } from './outlet.js'

export interface BroadcastOptions extends OutletOptions {
  /** Bytes that wait for one client at most. */
  bound: number
  /** Lines wait for the first client. */
  wait: boolean
  /** The `stream` records for a client that comes now. */
  streams(): Iterable<Members>
}

/** Each may have as much waiting as it is allowed: the memory of all is bounded, too. */
const MAX_CLIENTS = 64

export function broadcast(name: string, address: Address, options: BroadcastOptions): Outlet {
  const { dialect, bound, wait, streams, say } = options
  const clients = new Map<Socket, Client>()
  const totals = { clients: 0, lost: 0, unheard: 0 }
  let came: () => void = () => {}
  const first = new Promise<void>((resolve) => {
    came = resolve
  })
  const server = createServer(join)
  server.maxConnections = MAX_CLIENTS
  const listening = listen(server, name, address).then((at) => say(`listens on ${at}`))
  const opened = wait ? listening.then(() => first) : listening
  let open = false
  opened.then(
    () => {
      open = true
    },
    () => {},
  )

  function join(socket: Socket): void {
    const one = client(socket, dialect, bound)
    totals.clients++
    clients.set(socket, one)
    socket.setNoDelay(true)
    socket.resume()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (clients.delete(socket)) totals.lost += one.lost
    })
    for (const members of streams()) one.control({ kind: 'stream', members })
    came()
  }

  return {
    opened,
    single: false,
    idle: true,
    chunk(chunk) {
      if (clients.size === 0) totals.unheard += chunk.lines
      for (const one of clients.values()) one.chunk(chunk)
    },
    control(control) {
      for (const one of clients.values()) one.control(control)
    },
    ready: () => (open ? undefined : opened),
    async close(patience) {
      server.close()
      const rest = [...clients.values()]
      for (const one of rest) totals.lost += one.lost
      clients.clear()
      const unsent = await Promise.all(rest.map((one) => one.close(patience)))
      return unsent.reduce((all, lines) => all + lines, 0)
    },
    account: () =>
      `, ${totals.clients} client${totals.clients === 1 ? '' : 's'}` +
      `${totals.lost > 0 ? `, ${totals.lost} lines lost by slow ones` : ''}` +
      `${totals.unheard > 0 ? `, ${totals.unheard} while nobody listened` : ''}`,
  }
}

/** Answers where it listens: port 0 is any free one. */
async function listen(server: Server, name: string, address: Address): Promise<string> {
  if ('path' in address) await removeStale(name, address)
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(transportError(name, error)))
    // a unix socket is bound at once, and is for its owner alone
    const mask = process.umask(0o177)
    server.listen(address, () => {
      const at = server.address()
      if (typeof at !== 'object' || at === null) resolve(String(at))
      else resolve(at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`)
    })
    process.umask(mask)
  })
}

/** A socket that nobody listens on any more is in the way; anything else is not touched. */
async function removeStale(name: string, address: { path: string }): Promise<void> {
  const stat = lstatSync(address.path, { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isSocket()) throw new TransportError(`${name}: is there already, and is no socket`)
  try {
    const socket = await connected(address)
    socket.destroy()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw transportError(name, error)
    unlinkSync(address.path)
    return
  }
  throw new TransportError(`${name}: in use: somebody listens there already`)
}
