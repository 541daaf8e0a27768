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

  test("runs Debian's kernel on two CPUs, with a network whose interrupts have names", async () => {
    assert.match(await guest.run('cat /proc/version'), /Debian/)
    assert.equal(await guest.run('nproc'), '2\n')
    await guest.run('ping -c 1 10.0.2.2')
    assert.match(await guest.run('cat /proc/interrupts'), /virtio\d-input\.0$/m)
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

describe('a guest with one CPU', { skip: noGuest() }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ cpus: 1 })
  })
  after(() => guest?.stop())
  const traced = (on: string, off: string) =>
    guest.run(
      `cd /sys/kernel/tracing; ${on}; head -c 1 /proc/version >/dev/null; echo 0 >tracing_on; cat trace; ${off}`,
    )

  test('can hook a function by a kprobe', async () => {
    const on = 'echo p:hook vfs_read >kprobe_events; echo 1 >events/kprobes/hook/enable; echo 1 >tracing_on'
    const trace = await traced(on, 'echo 0 >events/kprobes/hook/enable; echo >kprobe_events')
    assert.match(trace, /head-\d+ .*: hook: \(vfs_read\+0x0\//)
  })

  test('can graph a function', async () => {
    const on = 'echo vfs_read >set_ftrace_filter; echo function_graph >current_tracer; echo 1 >tracing_on'
    assert.match(await traced(on, 'echo nop >current_tracer; echo >set_ftrace_filter'), /us +\| +vfs_read\(\);/)
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
