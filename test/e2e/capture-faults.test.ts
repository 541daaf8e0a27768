/**
 * capture-host where its surroundings break: readers that go, disks that are full, stops and kills at random moments.
 * Whatever happens nothing stays in tracefs, the times never go backwards, and what is lost is said.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '../faults/random.js'
import { cannotTrace, captures, records, shell, start, until } from '../support/tracing.js'

const why = cannotTrace()
const { below } = random(Number(process.env.SEED ?? 1))
const capture = 'capture-host -e sched:sched_switch,sched:sched_waking'

describe('capture-host, disturbed', { skip: why }, () => {
  const others = why ? [] : captures()
  const left = () => captures().filter((name) => !others.includes(name))
  afterEach(() => assert.deepEqual(left(), []))

  test('a full disk ends it, with a message', () => {
    const { status, stderr } = shell(`${capture} -d 20s >/dev/full`)
    assert.equal(status, 1)
    assert.match(stderr, /^capture-host: .*no space left on the device\n/m)
  })

  test('a reader that goes after any number of bytes ends it, quietly', () => {
    for (let n = 0; n < 3; n++) {
      const { stdout } = shell(
        `{ { ${capture} -q -d 20s; echo $? >&2; } | head -c ${below(100_000)} >/dev/null; } 2>&1`,
      )
      assert.equal(stdout, '0\n')
    }
  })

  test('stopped and continued: in order, and as much lost as it says', async () => {
    // 20,000 events a second, where a CPU's buffer holds some hundred
    const calls = 'setInterval(() => { for (let i = 0; i < 200; i++) process.umask(0o22) }, 10)'
    const load = spawn(process.execPath, ['-e', calls], { stdio: 'ignore' })
    const traced = ['-e', 'raw_syscalls:sys_enter', '--pid', `${load.pid}`]
    const { child, done } = start('capture-host', [...traced, '-m', '8K', '-d', '3s'])
    for (let n = 0; n < 4; n++) {
      await sleep(150 + below(200))
      child.kill('SIGSTOP')
      await sleep(300 + below(400))
      child.kill('SIGCONT')
    }
    const { status, stdout } = await done
    load.kill()
    assert.equal(status, 0)
    const all = records(stdout)
    const times = all.filter(({ type }) => !type).map(({ tsc }) => BigInt(tsc))
    for (let i = 1; i < times.length; i++) assert.ok((times[i] as bigint) >= (times[i - 1] as bigint))
    const end = all.find(({ type }) => type === 'end')
    assert.equal(end.events, times.length)
    const lost = all.filter(({ type }) => type === 'lost')
    assert.ok(lost.length > 0, 'nothing was lost: it was not stopped for long enough')
    // a page that is full has no room for the count
    const told = lost.reduce((sum, { count = 0 }) => sum + count, 0)
    assert.ok(end.lost > 1000 && told <= end.lost, `${told} in records, ${end.lost} in all`)
  })

  test('killed at random moments: the next one takes away what it left', async () => {
    for (let n = 0; n < 3; n++) {
      const { child, done } = start('capture-host', ['-e', 'sched:sched_switch', '-d', '20s'])
      await sleep(below(1200))
      child.kill('SIGKILL')
      await done
    }
    assert.equal(shell(`${capture} -q -N 1 >/dev/null`).status, 0)
    await until(() => left().length === 0, 'tracefs as it was')
  })
})
