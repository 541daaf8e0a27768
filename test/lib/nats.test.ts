/** What a publisher that lies, or another than push, cannot do to who pulls from NATS. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { MAX_LINE } from '../../lib/assembly/layout.js'
import type { Context } from '../../lib/cli/tool.js'
import { parseNats } from '../../lib/transport/nats-address.js'
import type { Client } from '../../lib/transport/nats-connect.js'
import { natsIntake } from '../../lib/transport/nats-intake.js'
import { SENT, SESSION } from '../../lib/transport/nats-lane.js'
import { markText, resume } from '../../lib/transport/nats-resume.js'
import { link } from '../../lib/wire/output.js'

const none = () => {}

function intake(host = 'node7') {
  const said: string[] = []
  const lines: string[] = []
  const bad = (where: string, message: string) => {
    said.push(`${where}: ${message}`)
  }
  const context: Context = {
    ...{ bad, warn: none, problem: none, onSignal: none, onStop: none, print: none, files: [], operands: [] },
  }
  const taken = natsIntake(
    'nats',
    context,
    link((record) => lines.push(record.line), none),
  )
  let seq = 0
  function give(payload: string | Buffer, session = '', sent = ''): void {
    const headers = new Map([
      [SESSION, session],
      [SENT, sent],
    ])
    const get = (name: string) => headers.get(name) ?? ''
    const data = Buffer.from(payload)
    taken.message({
      subject: `fleet.${host}.vm1.1of1`,
      seq: ++seq,
      data,
      headers: { get },
    } as unknown as Client.JsMsg)
  }
  return { give, said, lines, taken }
}

describe('messages of NATS', () => {
  test('a loss is told where the name of whose it is would be too long', () => {
    const { give, said, lines } = intake()
    give(`{"ts":"1","src":"${'x'.repeat(255)}","event":"a"}\n`, 's', '0')
    assert.match(said.join('\n'), /^nats:1:1: no room for the name "node7\/x+"$/)
    give('{"ts":"2","event":"a"}\n', 's', '3')
    assert.deepEqual(lines, [
      '{"type":"lost","src":"node7","count":2,"from":"1"}',
      '{"ts":"2","src":"node7","event":"a"}',
    ])
  })

  test('ever larger messages use no more memory than the largest', () => {
    const { give, said } = intake()
    for (let size = 1 << 18; size < 1 << 19; size += 256) give(Buffer.alloc(size, ' '))
    assert.deepEqual(said, [])
  })

  test('a line that is too long is said, and the others come', () => {
    const { give, said, lines, taken } = intake()
    const long = `{"event":"a","${'x'.repeat(3 * MAX_LINE)}\\n":1}`
    give(`{"ts":"1","event":"a"}\n${long}\n{"ts":"2","event":"a"}\n`, 's', '0')
    assert.deepEqual(said, [`nats:1: longer than ${MAX_LINE} bytes`])
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).ts),
      ['1', '2'],
    )
    assert.equal(taken.counts().records, 2)
  })

  test('a name that is said many times does not make the line grow', () => {
    const { give, said, lines } = intake('a-host-with-a-longer-name')
    const times = 100_000
    give(`{"ts":"1","event":"a",${'"vm":"",'.repeat(times)}"vm":"g","x":1,"sr\\u0063":"a","src":"b"}\n`)
    assert.deepEqual(said, [])
    assert.deepEqual(lines, [
      '{"ts":"1","event":"a","vm":"a-host-with-a-longer-name/g","x":1,"src":"a-host-with-a-longer-name/b"}',
    ])
  })

  test('lines cannot have come before the first', () => {
    const { give, taken } = intake()
    give('{"ts":"1","event":"a"}\n', 's', '-5')
    give('{"ts":"2","event":"a"}\n', 's', '0')
    const { records, lost, before, unknown } = taken.counts()
    assert.deepEqual({ records, lost, before }, { records: 2, lost: 0, before: 0 })
    assert.equal(unknown, 1)
  })
})

test("where a worker's output ends is not for a sender to say", () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-nats-'))
  try {
    const path = join(folder, 'output')
    const { give, lines } = intake()
    give('{"type":"mark","type":"x","worker":"w","stream":"S","seq":99}\n')
    const own = `${markText('w', 'S', 12)}\n`
    writeFileSync(path, `${own}${lines[0]}\n`)
    assert.deepEqual(resume(path, 'w', 'S')?.seq, 12)
    assert.equal(readFileSync(path, 'utf8'), own)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a password is not said back, whatever stands in it', () => {
  for (const text of ['nats://u:secret@h/F', 'nats://u:sec/ret@h/F', 'nats://u:1/sec/ret@h:4222/F/a.b.c'])
    assert.throws(
      () => parseNats(text),
      ({ message }: Error) => /^a password in an address/.test(message) && !/ret/.test(message),
    )
})
