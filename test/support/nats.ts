/** Real NATS servers on loopback: alone or three of a cluster, started, killed and started again on the same store. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOPBACK = '127.0.0.1'

export interface NatsServer {
  readonly port: number
  /** `nats://127.0.0.1:PORT` */
  readonly url: string
  start(): Promise<void>
  /** kill -9 */
  kill(): Promise<void>
  remove(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Started; `more`: further arguments. `store`: its folder, else one of its own. */
export async function natsServer(more: string[] = ['-js'], store?: string, address = LOOPBACK): Promise<NatsServer> {
  const port = await freePort()
  const folder = store ?? mkdtempSync(join(tmpdir(), 'vmpipe-nats-'))
  let child: ChildProcess | null = null

  async function kill(): Promise<void> {
    if (!child) return
    const over = once(child, 'exit')
    child.kill('SIGKILL')
    child = null
    await over
  }

  async function start(): Promise<void> {
    child = spawn('nats-server', ['-a', address, '-p', String(port), '-sd', folder, ...more], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr?.on('data', (piece) => {
      said += piece
    })
    while (!said.includes('Server is ready')) {
      if (child.exitCode !== null) throw new Error(`nats-server: ${said}`)
      await sleep(20)
    }
  }

  await start()
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    start,
    kill,
    async remove() {
      await kill()
      if (store === undefined) rmSync(folder, { recursive: true })
    },
  }
}

/** A cluster of three, n0 to n2, each with a store of its own. `address`: where clients may connect. */
export async function natsCluster(address = LOOPBACK): Promise<NatsServer[]> {
  const routes = [await freePort(), await freePort(), await freePort()]
  const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(',')
  return Promise.all(
    routes.map((port, i) =>
      natsServer(
        [
          ...['-js', '-n', `n${i}`, '--cluster_name', 'vmpipe', '--no_advertise'],
          ...['--cluster', `nats://127.0.0.1:${port}`, '--routes', all],
        ],
        undefined,
        address,
      ),
    ),
  )
}
