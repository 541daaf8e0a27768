/** QEMU's own protocol on its unix socket: a greeting, then one JSON object a line each way, with events between. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

export interface Qmp {
  // biome-ignore lint/suspicious/noExplicitAny: each command answers something else
  execute(command: string, args?: object): Promise<any>
  close(): void
}

export async function openQmp(path: string): Promise<Qmp> {
  const socket = createConnection(path)
  socket.on('error', () => {})
  await once(socket, 'connect')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  await lines.next()
  const qmp: Qmp = { execute, close: () => socket.destroy() }
  await execute('qmp_capabilities')
  return qmp

  async function execute(command: string, args: object = {}): Promise<unknown> {
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    while (true) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`QEMU is gone, ${command} has no answer`)
      const { error, return: answer } = JSON.parse(value)
      if (error) throw new Error(`${command}: ${error.desc}`)
      if (answer !== undefined) return answer
    }
  }
}
