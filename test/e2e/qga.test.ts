/** qga talks to QEMU's own guest agent, in a guest, through its virtio port; and virsh takes what qga gives it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { bootGuest, type Guest, noGuest, type Ran } from '../support/guest.js'
import { without } from '../support/needs.js'
import { parseText, start as started, until } from '../support/tracing.js'

const start = 'qemu-ga -d -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run'
const stop = 'kill $(cat /run/qemu-ga.pid); while [ -e /run/qemu-ga.pid ]; do usleep 50000; done'

describe('the agent of a guest', { skip: noGuest({ agent: true }) }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ agent: true })
  })
  after(() => guest?.stop())
  const qga = (...args: string[]) => tool([guest.agent, ...args])

  test('is alive, and says what it can', async () => {
    assert.deepEqual(await qga('ping'), { stdout: 'alive\n', stderr: '', status: 0 })
    const { stdout } = await qga('info')
    assert.match(stdout, /^version \d+\.\d+/)
    assert.match(stdout, /^guest-exec enabled$/m)
  })

  test('runs a command: stdout, stderr, status', async () => {
    const ran = await qga('exec', '--', 'sh', '-c', 'cat /proc/sys/kernel/osrelease; echo "$0" >&2; exit 3', "it's")
    assert.deepEqual(ran, { stdout: await guest.run('cat /proc/sys/kernel/osrelease'), stderr: "it's\n", status: 3 })
  })

  test('runs a script that comes from here', async () => {
    const { stdout } = await tool(['--input', guest.agent, 'exec', '--', 'sh'], 'echo in the guest; cat /proc/1/comm')
    assert.equal(stdout, 'in the guest\ninit\n')
  })

  test('says which signal ended the command', async () => {
    assert.equal((await qga('exec', '--', 'sh', '-c', 'kill -9 $$')).status, 128 + 9)
  })

  test('brings megabytes, and says where the agent cut', async () => {
    const { stdout, stderr, status } = await qga('exec', '--', 'dd', 'if=/dev/zero', 'bs=1M', 'count=17')
    assert.equal(stdout.length, 16 << 20)
    assert.match(stderr, /^qga: the agent kept only the beginning of stdout$/m)
    assert.equal(status, 0)
  })

  test('a command that is not there is not a status of a command', async () => {
    const { stderr, status } = await qga('exec', '--', 'nosuch')
    assert.match(stderr, /^qga: \S+: guest-exec: .*nosuch.*\n$/)
    assert.equal(status, 255)
  })

  test('what was started with --detach goes on, sends through the port, and ends when it is told', async () => {
    const script = 'n=0; while sleep 0.1; do n=$((n+1)); echo $n; done >/dev/virtio-ports/org.vmpipe.0'
    const { stdout } = await qga('--detach', 'exec', '--', 'sh', '-c', script)
    const pid = stdout.trim()
    assert.match(pid, /^\d+$/)
    const [host, port] = guest.port.split(':')
    const socket = createConnection({ host, port: Number(port) })
    let text = ''
    for await (const chunk of socket) {
      text += chunk
      if (text.split('\n').length > 3) break
    }
    assert.match(text, /^\d+\n\d+\n\d+\n/)
    assert.equal((await qga('exec', '--', 'kill', pid)).status, 0)
    assert.equal((await qga('wait', pid)).status, 128 + 15)
    const again = await qga('wait', pid)
    assert.match(again.stderr, /guest-exec-status: /)
    assert.equal(again.status, 255)
  })

  test('starts a capture in a guest with nothing but a shell; pull and parse make events of it', async () => {
    const events = 'irq:irq_handler_entry/name ~ "virtio*-input*"/'
    const made = started('capture-guest', ['--script', '-e', events, '--push', '/dev/virtio-ports/org.vmpipe.0'])
    await guest.run('cat >/tmp/capture', { input: (await made.done).stdout })
    const { stdout: pid } = await qga('--detach', 'exec', '--', 'sh', '/tmp/capture')
    const pull = started('pull', [guest.port])
    let text = ''
    pull.child.stdout?.on('data', (piece) => {
      text += piece
    })
    await until(() => text.includes('# vmpipe clock'), 'the first round')
    await guest.run('for i in 1 2 3; do ping -c 1 10.0.2.2; done')
    await until(() => /virtio\d-input/.test(text), 'an interrupt')
    assert.equal((await qga('exec', '--', 'kill', pid.trim())).status, 0)
    assert.equal((await qga('wait', pid.trim())).status, 128 + 15)
    const { stdout, stderr } = await pull.done
    assert.match(stderr, /^pull: \d+ lines, 0 lost/)
    const interrupts = parseText(stdout, 'vm1').filter(({ event }) => event === 'irq_handler_entry')
    assert.ok(interrupts.length > 0)
    assert.ok(interrupts.every(({ src }) => src === 'vm1'))
    assert.equal(await guest.run('ls /sys/kernel/tracing/instances'), '')
  })

  test('half a command of an earlier client, and an answer that it did not fetch, do no harm', async () => {
    const socket = createConnection(guest.agent)
    await once(socket, 'connect')
    socket.write('{"execute":"guest-info"}\n{"execute":"guest-exec","argu')
    await once(socket, 'data')
    socket.destroy()
    assert.equal((await qga('ping')).stdout, 'alive\n')
  })

  test('somebody else has the socket', async () => {
    const socket = createConnection(guest.agent)
    await once(socket, 'connect')
    const { stderr, status } = await qga('--timeout', '500ms', 'ping')
    assert.match(stderr, /no answer in 0\.5 s: .*nobody else its socket open\?\n$/)
    assert.equal(status, 1)
    socket.destroy()
    assert.equal((await qga('ping')).status, 0)
  })

  test('an agent that may not run commands', async () => {
    await guest.run(`${stop}; ${start} -b guest-exec`)
    const { stdout, stderr, status } = await qga('exec', '--', 'touch', '/tmp/touched')
    assert.equal(stdout, '')
    assert.match(stderr, /^qga: \S+: guest-exec: disabled in the guest's agent; .*\n$/)
    assert.equal(status, 255)
    assert.match((await qga('info')).stdout, /^guest-exec disabled$/m)
    assert.equal((await guest.sh('ls /tmp/touched')).status, 1)
  })

  test('an agent that does not run', async () => {
    await guest.run(stop)
    const { stderr, status } = await qga('--timeout', '500ms', 'exec', '--', 'true')
    assert.match(stderr, /no answer in 0\.5 s: does the agent run in the guest/)
    assert.equal(status, 255)
    await guest.run(start)
    assert.equal((await qga('ping')).status, 0)
  })

  test('a guest that goes away', async () => {
    const running = qga('exec', '--', 'sh', '-c', 'touch /tmp/running; sleep 1000')
    await guest.run('until [ -e /tmp/running ]; do usleep 50000; done')
    guest.kill()
    const { stderr, status } = await running
    assert.match(stderr, /the connection was closed before the answer/)
    assert.equal(status, 255)
  })
})

describe('virsh', { skip: without('virsh') }, () => {
  test('understands what qga asks of it', async () => {
    const { stderr, status } = await tool(['--connect', 'test:///default', '--timeout', '2s', 'test', 'ping'])
    // the test driver has domains, and no agents
    assert.match(stderr, /^qga: test: .*not supported by the connection driver: virDomainQemuAgentCommand\n$/)
    assert.equal(status, 1)
  })

  test('knows no such domain', async () => {
    const { stderr } = await tool(['--connect', 'test:///default', 'nosuch', 'exec', '--', 'true'])
    assert.match(stderr, /^qga: nosuch: failed to get domain 'nosuch'/)
  })
})

function tool(args: string[], input = ''): Promise<Ran> {
  return new Promise((done) => {
    const child = execFile('dist/bin/qga', args, { maxBuffer: 1 << 26, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ stdout, stderr, status: error ? Number(error.code) : 0 })
    })
    child.stdin?.end(input)
  })
}
