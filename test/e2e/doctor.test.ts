/** vmpipe doctor, on this machine as it is, as it could be, and with a guest. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Finding } from '../../lib/doctor/findings.js'
import { tracefs } from '../../lib/tracefs/tracefs.js'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'
import { cannotTrace } from '../support/tracing.js'

function examined(...before: string[]): { found: Finding[]; status: number | null } {
  const [program = '', ...args] = [...before, process.execPath, 'dist/bin/vmpipe', 'doctor', '--json']
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
  assert.equal(stderr, '')
  return {
    found: stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    status,
  }
}

const of = (found: readonly Finding[], what: string) => found.filter((finding) => finding.what === what)

describe('doctor', { skip: cannotTrace() }, () => {
  test('a machine that can trace', () => {
    const before = readdirSync(join(tracefs(), 'instances'))
    const { found, status } = examined()
    assert.equal(status, 0)
    assert.deepEqual(of(found, 'tracefs'), [{ what: 'tracefs', state: 'ok', says: `${tracefs()}, with instances` }])
    assert.deepEqual(of(found, 'Node.js'), [{ what: 'Node.js', state: 'ok', says: process.version }])
    assert.match(of(found, 'events')[0]?.says ?? '', /^\d+ systems/)
    assert.deepEqual(readdirSync(join(tracefs(), 'instances')), before)
  })

  test('no tracefs: what to do, and status 1', () => {
    const { found, status } = examined(
      'unshare',
      '-m',
      'sh',
      '-c',
      'umount -a -t tracefs; umount -a -t debugfs; exec "$0" "$@"',
    )
    assert.equal(status, 1)
    const advice = 'mount -t tracefs nodev /sys/kernel/tracing'
    assert.deepEqual(of(found, 'tracefs'), [{ what: 'tracefs', state: 'missing', says: 'no tracefs here', advice }])
    assert.deepEqual(of(found, 'tracers'), [])
  })

  test('what a killed capture left is named, and stays', () => {
    // a name of ours, whose maker is no more
    const path = join(tracefs(), 'instances', 'vmpipe-4000000-1')
    mkdirSync(path)
    try {
      const [left] = of(examined().found, 'left behind')
      assert.equal(left?.says, 'killed captures left vmpipe-4000000-1')
      assert.ok(readdirSync(join(tracefs(), 'instances')).includes('vmpipe-4000000-1'))
    } finally {
      rmdirSync(path)
    }
  })
})

describe('doctor, with a guest', { skip: noGuest({ node: true, agent: true }) }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ node: true, agent: true, cpus: 1, qemu: ['-name', 'web\u001b1'] })
  })
  after(() => guest?.stop())

  test('the host knows the guest, why its TSC offset is not to be had, and of its agent', () => {
    const mine = of(examined().found, 'guest web\u001b1')
    const [clock, agent] = mine.filter(
      ({ says }) => !says.startsWith('process') || says.includes(`process ${guest.pid}`),
    )
    assert.equal(clock?.state, 'limited')
    assert.match(clock?.says ?? '', /KVM has no virtual machine of process/)
    assert.equal(agent?.state, 'ok')
    const { stdout } = spawnSync('dist/bin/vmpipe', ['doctor'], { encoding: 'utf8' })
    assert.ok(stdout.includes('guest web\\x1b1 ') && !stdout.includes('\u001b'))
  })

  test('the guest knows its port, and what its kernel can', async () => {
    const found = (await guest.run('vmpipe doctor --json'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.match(of(found, 'ports')[0]?.says ?? '', /\/dev\/virtio-ports\/org.vmpipe.0/)
    assert.deepEqual(of(found, 'agent'), [])
    assert.equal(of(found, 'tracers')[0]?.says, 'kprobes, uprobes, function, function_graph')
  })
})
