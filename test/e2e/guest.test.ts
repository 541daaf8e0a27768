/** The guest that the other tests here boot is what it says: its kernel can trace, its port carries bytes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'

describe('a bare guest', { skip: noGuest() }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest()
  })
  after(() => guest?.stop())

  test('has a kernel with function_graph, kprobes and uprobes', async () => {
    assert.match(await guest.run('cat /sys/kernel/tracing/available_tracers'), /function_graph/)
    await guest.run('ls /sys/kernel/tracing/kprobe_events /sys/kernel/tracing/uprobe_events')
    assert.match(await guest.run('cat /proc/version'), /Debian/)
  })

  test('runs a command: stdin, stdout, stderr, status', async () => {
    assert.deepEqual(await guest.sh('cat; echo to stderr >&2; exit 3', { input: 'to stdout' }), {
      stdout: 'to stdout',
      stderr: 'to stderr\n',
      status: 3,
    })
  })

  test('carries megabytes of any text to and fro', async () => {
    const input = Array.from({ length: 300_000 }, (_, i) => `${i} é\t\u0000'"\\`).join('\n')
    assert.equal(await guest.run('cat', { input }), input)
  })

  test('two commands at a time, and one left running', async () => {
    await guest.run('sleep 1000 & echo $! >/tmp/pid')
    const ran = await Promise.all([guest.run('sleep 1; echo a'), guest.run('echo b')])
    assert.deepEqual(ran, ['a\n', 'b\n'])
    await guest.run('kill $(cat /tmp/pid)')
  })

  test('has a port whose other end is here', async () => {
    const [host, port] = guest.port.split(':')
    const socket = createConnection({ host, port: Number(port) })
    await once(socket, 'connect')
    await guest.run('echo hello >/dev/virtio-ports/org.vmpipe.0')
    const [data] = await once(socket, 'data')
    assert.equal(String(data), 'hello\n')
    socket.destroy()
  })

  test('is gone after stop', async () => {
    await guest.stop()
    assert.throws(() => process.kill(guest.pid, 0), /ESRCH/)
  })
})

describe('a guest with Node', { skip: noGuest({ node: true }) }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ node: true })
  })
  after(() => guest?.stop())

  test('runs the tools', async () => {
    const input = '{"ts":"9007199254740993","event":"a:b","cpu":1}\n'
    assert.equal(await guest.run("where -q 'ts == 9007199254740993' | head -1", { input }), input)
  })
})
