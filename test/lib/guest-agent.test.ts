/** A guest agent's socket whose QEMU goes away: however the kernel puts it, it is one thing to say. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { AgentError } from '../../lib/guest-agent/answer.js'
import { openSocket } from '../../lib/guest-agent/socket.js'

async function asked(answers: (connection: Socket) => void): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-agent-'))
  const server = createServer({ pauseOnConnect: true }, answers)
  try {
    const path = join(folder, 'agent')
    await new Promise<void>((listening) => server.listen(path, listening))
    return await openSocket(path, 5000).catch((error) => error)
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
}

describe('a QEMU that goes away before the answer', () => {
  const closed = new AgentError('the connection was closed before the answer')

  test('with the question read: the end of the stream', async () => {
    assert.deepEqual(await asked((connection) => connection.once('data', () => connection.destroy()).resume()), closed)
  })

  test('with the question unread: ECONNRESET', async () => {
    assert.deepEqual(await asked((connection) => setTimeout(() => connection.destroy(), 50)), closed)
  })
})
