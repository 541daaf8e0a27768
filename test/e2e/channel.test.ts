/** What channel prints is what QEMU, the guest and libvirt take. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'
import { without } from '../support/needs.js'

describe('a guest with the options that channel printed', { skip: noGuest() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'channel-'))
  const path = join(folder, 'a,b.sock')
  const check = channel('--guest')
  let guest: Guest
  let tcp: number
  before(async () => {
    tcp = await freePort()
    // two ports, as the shell would give them to QEMU: in words
    const ports = `${channel('--qemu', `tcp:${tcp}`)}${channel('--qemu', '--name', 'second', `unix:${path}`)}`
    guest = await bootGuest({ ports: ports.trim().split(/\s+/) })
    await guest.run('for i in $(seq 300); do [ -e /dev/virtio-ports/second ] && exit; sleep 0.1; done; exit 1')
  })
  after(async () => {
    await guest?.stop()
    rmSync(folder, { recursive: true })
  })

  test('carries bytes both ways over TCP', () => echo(guest, { host: '127.0.0.1', port: tcp }, 'org.vmpipe.0'))

  test('carries bytes both ways over a unix socket with a comma in its name', () => echo(guest, { path }, 'second'))

  test('finds its port ready', async () => {
    assert.match(await guest.run(check), /^ready: \/dev\/virtio-ports\/org\.vmpipe\.0 \(vport\d+p\d+\)\n$/)
  })

  test('says who has the port open', async () => {
    const pid = await guest.run('sleep 1000 </dev/virtio-ports/org.vmpipe.0 & echo $!')
    const { stdout, status } = await guest.sh(check)
    assert.equal(stdout, `process ${pid.trim()} has it open, and one at a time can\n`)
    assert.equal(status, 1)
    await guest.run(`kill ${pid}`)
  })

  test('says what to do where udev made no link', async () => {
    await guest.run('rm /dev/virtio-ports/org.vmpipe.0')
    const { stdout, status } = await guest.sh(check)
    assert.equal(status, 1)
    const [, advice = ''] = /: (mkdir .*)$/m.exec(stdout) ?? []
    await guest.run(advice)
    assert.match(await guest.run(check), /^ready/)
  })

  test('says that the VM has no such port', async () => {
    const { stdout, status } = await guest.sh(channel('--guest', '--name', 'third'))
    assert.deepEqual([stdout, status], ['no port third: the VM does not have it\n', 1])
  })

  test('says that the driver is missing', async () => {
    await guest.run('rmmod virtio_console')
    const { stdout, status } = await guest.sh(check)
    assert.deepEqual([stdout, status], ['no driver: modprobe virtio_console\n', 1])
  })
})

describe('libvirt', { skip: without('virsh', 'xmllint', 'virt-xml-validate') }, () => {
  for (const end of ['tcp:9900', 'tcp:[::1]:9900', 'unix:/run/vm1/a,b.sock'])
    test(`takes the device for ${end}`, () => {
      const file = join(mkdtempSync(join(tmpdir(), 'channel-')), 'domain.xml')
      const device = channel('--xml', end)
      writeFileSync(
        file,
        `<domain type='test'><name>vm1</name><memory>1024</memory><os><type>hvm</type></os><devices>${device}</devices></domain>`,
      )
      run('virt-xml-validate', file, 'domain')
      const shown = run('virsh', '-c', 'test:///default', `define --validate ${file}; dumpxml vm1`)
      const words = device.match(/(type|mode|host|service|path|name)='[^']*'/g) ?? []
      assert.ok(words.length >= 5)
      const [taken = ''] = /<channel[\s\S]*<\/channel>/.exec(shown) ?? []
      for (const word of words) assert.ok(taken.includes(word), `${word} is not in ${taken}`)
      rmSync(join(file, '..'), { recursive: true })
    })
})

function channel(...args: string[]): string {
  return run('dist/bin/channel', ...args)
}

function run(command: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(status, 0, stderr)
  return stdout
}

async function echo(guest: Guest, end: NetConnectOpts, name: string): Promise<void> {
  const socket = createConnection(end)
  await once(socket, 'connect')
  const answered = until(socket, 'the guest heard: bytes from the host\n')
  const wait = guest.run(`exec 3<>/dev/virtio-ports/${name}; read -r line <&3; echo "the guest heard: $line" >&3`)
  socket.write('bytes from the host\n')
  await Promise.all([answered, wait])
  socket.destroy()
}

async function until(socket: Socket, wanted: string): Promise<void> {
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    if (text.length >= wanted.length) break
  }
  assert.equal(text, wanted)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
