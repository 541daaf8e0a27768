/**
 * A guest agent on its own socket: the unix socket on which QEMU listens for org.qemu.guest_agent.0.
 *
 * Whatever an earlier client left unread, or half written, comes first. So the talk begins with the byte
 * 0xFF, which makes the agent forget half a command, and guest-sync-delimited with a number of our own; all
 * is discarded up to an 0xFF that this number follows (qga/qapi-schema.json, guest-sync-delimited). QEMU keeps
 * what is written while no agent runs: without its answer nothing is asked, so that no command is run an hour later.
 *
 * An answer is one line, of up to 43 MiB, that comes in pieces of 4 KiB; they are joined once, when the line
 * is whole (split2 joins at each piece: measured 10 s for 4 MiB).
 */
import { randomInt } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'
import { type Agent, AgentError, ANSWER_MAX, returned } from './answer.js'

const NEWLINE = 0x0a
/** Never part of UTF-8, so never of JSON. */
const DELIMITER = 0xff
const CLOSED = 'the connection was closed before the answer'

/** `timeout` in ms, for each answer. */
export async function openSocket(path: string, timeout: number): Promise<Agent> {
  const socket = createConnection(path)
  const read = reader(socket)
  const failed = new Promise<never>((_done, fail) => socket.once('error', fail))
  failed.catch(() => {})
  await within(new Promise((done) => socket.once('connect', done)))
  await within(synchronise())
  return {
    async call(command, args) {
      send(command, args)
      return returned(command, (await within(read(NEWLINE))).toString('utf8'))
    },
    close: () => socket.destroy(),
  }

  function send(command: string, args: object | undefined): void {
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
  }

  async function synchronise(): Promise<void> {
    const id = randomInt(2 ** 31)
    socket.write(Buffer.of(DELIMITER))
    send('guest-sync-delimited', { id })
    while (true) {
      await read(DELIMITER)
      const line = await read(NEWLINE)
      // more than one may stand there: the answers to several clients' synchronisations
      if (isReturn(line.subarray(line.lastIndexOf(DELIMITER) + 1), id)) return
    }
  }

  /** What takes too long ends with the connection. */
  async function within<T>(answer: Promise<T>): Promise<T> {
    const timer = setTimeout(() => socket.destroy(new AgentError(silent(timeout))), timeout)
    try {
      return await Promise.race([answer, failed])
    } catch (error) {
      throw wasCut(error as NodeJS.ErrnoException) ? new AgentError(CLOSED) : error
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A QEMU that ends with a question still unread resets the connection, one that has read it closes it. */
function wasCut({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function silent(timeout: number): string {
  return `no answer in ${timeout / 1000} s: does the agent run in the guest, and has nobody else its socket open?`
}

/** An answer to an earlier client's question is passed over, whatever it is. */
function isReturn(line: Buffer, id: number): boolean {
  try {
    return JSON.parse(line.toString('utf8')).return === id
  } catch {
    return false
  }
}

/** Reads up to a delimiter, which is left out. */
function reader(socket: Socket): (delimiter: number) => Promise<Buffer> {
  const chunks = socket[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  return async (delimiter) => {
    const parts: Buffer[] = []
    let length = 0
    while (true) {
      const at = rest.indexOf(delimiter)
      const part = at < 0 ? rest : rest.subarray(0, at)
      parts.push(part)
      length += part.length
      if (length > ANSWER_MAX) throw new AgentError(`an answer longer than ${ANSWER_MAX >> 20} MiB`)
      if (at >= 0) {
        rest = rest.subarray(at + 1)
        return Buffer.concat(parts)
      }
      const { value, done } = await chunks.next()
      if (done) throw new AgentError(CLOSED)
      rest = value
    }
  }
}
