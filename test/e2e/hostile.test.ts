/**
 * A hostile guest from within: in a real guest a program writes all attacks to its virtio-serial port, while the host's
 * connection is cut. Then an honest sender takes the port, and is received as if nothing had been.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PEAK, strange } from '../faults/processes.js'
import { attacks } from '../hostile/attacks.js'
import { host, hostsOwn, isMarked } from '../hostile/promises.js'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'
import { relay } from '../support/relay.js'
import { bin, until } from '../support/tracing.js'

const port = '/dev/virtio-ports/org.vmpipe.0'
/** What a process remembers of one sender is used up by then: an honest one is left its old names. */
const known = 'a:start'
/** Lines of text make pull's stream one of text; they have a test of their own. */
const chosen = Object.keys(attacks).filter((name) => !/^text|^gzip/.test(name))
const HONEST = 200

describe('a hostile guest', { skip: noGuest({ node: true }) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-hostile-guest-'))
  let guest: Guest
  let pull: ChildProcess | undefined
  before(async () => {
    guest = await bootGuest({ node: true })
    await guest.run('cat >/tmp/guest.mjs', { input: readFileSync('dist/test/hostile/guest.mjs') })
  })
  after(async () => {
    pull?.kill('SIGKILL')
    await guest?.stop()
    rmSync(folder, { recursive: true })
  })

  test('sends all it can, and an honest one after it loses nothing', async () => {
    const between = await relay(guest.port)
    after(() => between.close())
    const received = join(folder, 'received.ndjson')
    const fd = openSync(received, 'w')
    pull = spawn(join(bin, 'pull'), ['--follow', '--src', 'vm1', between.address], {
      stdio: ['ignore', fd, 'pipe'],
      env: { ...process.env, NODE_OPTIONS: `--import=${PEAK}` },
    })
    closeSync(fd)
    let stderr = ''
    pull.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const closed = once(pull, 'close')

    const names = chosen.map((name) => `'${name}'`).join(' ')
    const attack = guest.sh(`SIZE=0.03 node /tmp/guest.mjs ${port} ${names}`)
    let done = false
    void attack.finally(() => {
      done = true
    })
    for (let round = 0; !done; round++) {
      await sleep(500)
      if (round % 4 === 3) between.cut()
    }
    assert.deepEqual(await attack, { stdout: '', stderr: '', status: 0 })

    const size = () => statSync(received).size
    const event = (i: number) => `{"ts":"${9e15 + i}","event":"${known}","args":{"honest":${i}}}\n`
    const input = Array.from({ length: HONEST }, (_, i) => event(i)).join('')
    await guest.run(`push -q ${port}`, { input })
    await until(
      () =>
        readFileSync(received, 'utf8')
          .slice(-100_000)
          .includes(`"honest":${HONEST - 1}}`),
      `the honest end: ${stderr.slice(-500)}`,
    )
    pull.kill('SIGINT')
    const [status] = await closed

    assert.equal(status, 130, stderr)
    const peak = Number(/^peak(\d+)$/m.exec(stderr)?.[1]) / 1024
    assert.ok(peak > 0 && peak < 200, `${peak} MiB`)
    assert.deepEqual(strange({ stderr: stderr.replace(/^peak\d+\n/m, '') }), [])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come
    assert.doesNotMatch(stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    const records = readFileSync(received, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    assert.ok(size() > 1_000_000 && records.length > 5000, `${records.length} records`)
    for (const record of records) assert.ok(isMarked(record, 'vm1'), JSON.stringify(record).slice(0, 300))
    const honest = records.filter(({ args }) => args?.honest !== undefined).map(({ args }) => args.honest)
    assert.deepEqual(
      honest,
      Array.from({ length: HONEST }, (_, i) => i),
    )

    const own = join(folder, 'host.ndjson')
    writeFileSync(own, host(4000))
    const alone = await hostsOwn(own, join(folder, 'alone'))
    assert.equal(alone.pairs.length, 2000)
    assert.deepEqual(await hostsOwn(`${own} ${received}`, join(folder, 'merged')), alone)
  })
})
