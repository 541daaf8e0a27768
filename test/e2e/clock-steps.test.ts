/**
 * A guest whose wall clock is set while it is traced, by years and backwards, and whose disk is full: the events keep
 * their order and their count, only `wall` follows, and nothing stays in tracefs.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'
import { records, start, until } from '../support/tracing.js'

const event = 'raw_syscalls:sys_enter'
const load = '(while :; do usleep 2000; done) & load=$!'
/** Seconds since 1970. */
const steps = [4_000_000_000, 1_000_000_000, 1_800_000_000]

describe('a guest', { skip: noGuest({ node: true }) }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ node: true, cpus: 1 })
  })
  after(() => guest?.stop())

  async function assertNothingLeft(): Promise<void> {
    assert.equal(await guest.run('ls /sys/kernel/tracing/instances'), '')
  }

  test('whose clock is set, by years and backwards', async () => {
    const { child, done } = start('pull', [guest.port])
    let seen = ''
    child.stdout?.on('data', (piece) => {
      seen += piece
    })
    const capture = guest.sh(
      `${load}; capture-guest -e ${event} -d 6s --push /dev/virtio-ports/org.vmpipe.0; status=$?; kill $load; exit $status`,
    )
    await until(() => seen.includes('"type":"clock"'), 'the first clock record')
    for (const to of steps) {
      await sleep(900)
      await guest.run(`date -s @${to} >/dev/null`)
    }
    assert.equal((await capture).status, 0)
    const { status, stdout, stderr } = await done
    assert.deepEqual([status, /0 lost/.test(stderr)], [0, true], stderr)
    const all = records(stdout)
    const timed = all.filter(({ type, tsc, ts }) => (!type || type === 'clock') && (tsc ?? ts) !== undefined)
    const times = timed.map(({ tsc, ts }) => BigInt(tsc ?? ts))
    for (let i = 1; i < times.length; i++) assert.ok((times[i] as bigint) >= (times[i - 1] as bigint), `record ${i}`)
    const events = all.filter(({ type }) => !type)
    assert.ok(events.length > 100)
    assert.equal(all.find(({ type }) => type === 'end').events, events.length)
    const walls = all
      .filter(({ type, wall }) => type === 'clock' && wall)
      .map(({ wall }) => Number(BigInt(wall) / 10n ** 9n))
    for (const to of steps)
      assert.ok(
        walls.some((wall) => wall >= to && wall < to + 60),
        `no clock record of ${to}`,
      )
    const monos = all.filter(({ type, mono }) => type === 'clock' && mono).map(({ mono }) => BigInt(mono))
    for (let i = 1; i < monos.length; i++) assert.ok((monos[i] as bigint) >= (monos[i - 1] as bigint), `clock ${i}`)
    await assertNothingLeft()
  })

  test('whose disk is full', async () => {
    const { status, stderr } = await guest.sh(
      `mkdir -p /tmp/small && mount -t tmpfs -o size=64k none /tmp/small; ${load}
       capture-guest -e ${event} -d 30s >/tmp/small/out; status=$?; kill $load; exit $status`,
    )
    assert.equal(status, 1)
    assert.match(stderr, /capture-guest: .*no space left on the device/)
    await assertNothingLeft()
  })
})
