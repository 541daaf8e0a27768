/** What a guest agent answers: results or one line that says what is wrong, and nothing of it reaches a terminal as it is. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentError, readInfo, readPid, readStatus, returned } from '../../../lib/guest-agent/answer.js'
import { openSocket } from '../../../lib/guest-agent/socket.js'
import type { Target } from '../target.js'

const answers = [
  '{"return": {}}',
  '{"return": {"pid": 42}}',
  '{"return": {"version": "7.2", "supported_commands": [{"name": "guest-exec", "enabled": true, "success-response": true}]}}',
  '{"return": {"exited": true, "exitcode": 3, "out-data": "b3V0Cg==", "err-data": "", "out-truncated": true}}',
  '{"return": {"exited": false}}',
  '{"return": {"exited": true, "signal": 15}}',
  '{"error": {"class": "GenericError", "desc": "no \\u001b[31m\\u202e"}}',
]

/** Answers to what was not asked come first: `@` is the number of the synchronisation. */
const talks = [
  '\u00ff{"return": @}\n{"return": {}}\n',
  '{"return": 1}\n\u00ff{"return": 5}\n\u00ff{"return": @}\n',
  '\u00ff\u00ff{"return": @}\n{"error": {}}\n',
]

export const agent: Target = {
  seeds: () => [...answers, ...talks].map((text) => Buffer.from(text, 'latin1')),
  words: [
    '"return":',
    '"error":',
    '"desc":',
    '"pid":',
    '"exited":',
    '"exitcode":',
    '"signal":',
    '"out-data":"',
    '"version":"',
    '"supported_commands":[',
    '"name":"',
    '"enabled":true',
    'null',
    '[]',
    '{}',
    '1e400',
    '\\u009b',
    '\u00ff',
    '@',
    '\n',
  ],
  longest: 4096,
  async run(input) {
    const text = input.toString('utf8')
    for (const read of [readInfo, readStatus, readPid]) {
      try {
        read(returned('guest-x', text))
      } catch (error) {
        check(error)
      }
    }
    if (input.includes(0x40)) await talk(input)
  },
}

function check(error: unknown): void {
  assert.ok(error instanceof AgentError, String((error as Error).stack))
  assert.ok(error.message.length < 2000, `a message of ${error.message.length} characters`)
  assert.ok(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(error.message), `not visible: ${JSON.stringify(error.message)}`)
}

let server: Server | undefined
let answer: Buffer = Buffer.alloc(0)

/** On a socket, which closes behind the answer. */
async function talk(input: Buffer): Promise<void> {
  answer = input
  server ??= await listening()
  try {
    const opened = await openSocket(server.address() as string, 20_000)
    try {
      await opened.call('guest-ping')
    } finally {
      opened.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE' || (error as NodeJS.ErrnoException).code === 'ECONNRESET')
      return
    check(error)
  }
}

async function listening(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fuzz-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const made = createServer((socket: Socket) => {
    let asked = ''
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      asked += piece.toString('latin1')
      const [, id] = /"id":(\d+)\}\}\n/.exec(asked) ?? []
      if (id === undefined) return
      asked = ''
      const [before, ...after] = answer.toString('latin1').split('@')
      socket.end(Buffer.from([before, ...after].join(id), 'latin1'))
    })
  }).unref()
  await new Promise<void>((done) => made.listen(join(folder, 'agent'), done))
  return made
}
