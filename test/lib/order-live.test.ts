/**
 * order over live streams: real FIFOs, written to by this test piece by piece, and the tool as a process. What has
 * come out is looked at while the writers still have their ends open.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-order-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})
let runs = 0

interface Run {
  /** The events' names that have come out, `!` behind late ones. */
  events(): string[]
  lines(): string[]
  stderr(): string
  /** Has it opened this file? */
  has(path: string): boolean
  kill(signal: NodeJS.Signals): void
  status: Promise<number | null>
}

async function until(what: () => boolean, why: () => string): Promise<void> {
  for (let left = 1000; !what(); left--) {
    if (left === 0) throw new Error(`waited in vain: ${why()}`)
    await sleep(20)
  }
}

function start(args: string[], cwd: string): Run {
  const child = spawn(resolve('dist/bin/order'), args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    texts.stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    texts.stderr += piece
  })
  const lines = () => texts.stdout.split('\n').slice(0, -1)
  return {
    lines,
    events: () =>
      lines()
        .map((line) => JSON.parse(line))
        .filter(({ type }) => type === undefined)
        .map(({ event, late_ns }) => (late_ns === undefined ? event : `${event}!${late_ns}`)),
    stderr: () => texts.stderr,
    has: (path) => readdirSync(`/proc/${child.pid}/fd`).some((fd) => links(`/proc/${child.pid}/fd/${fd}`, path)),
    kill: (signal) => child.kill(signal),
    status: new Promise((ended) => child.on('close', ended)),
  }
}

function links(link: string, path: string): boolean {
  try {
    return readlinkSync(link) === path
  } catch {
    return false
  }
}

/** order on FIFOs of these names, each open for writing. */
async function live(names: string[], args: string[] = []) {
  const cwd = join(folder, String(++runs))
  execFileSync('mkdir', [cwd])
  execFileSync('mkfifo', names, { cwd })
  const run = start([...args, ...names], cwd)
  const writers = await Promise.all(names.map((name) => open(join(cwd, name), 'w')))
  const shown = (wanted: string[]) =>
    until(
      () => run.events().length >= wanted.length,
      () => `${wanted}; there is ${run.events()}; ${run.stderr()}`,
    ).then(() => assert.deepEqual(run.events(), wanted))
  return { ...run, cwd, writers: writers as [FileHandle, FileHandle], shown }
}

const say = (writer: FileHandle, ...records: object[]) =>
  writer.write(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
const ms = (t: number) => String(t * 1e6)
const host = (t: number) => ({ ts: ms(t), src: 'host', event: `h${t}`, cpu: 0 })
const guest = (t: number) => ({ ts: ms(t), src: 'guest', event: `g${t}`, cpu: 0 })
const clock = (t: number, src: string) => ({ type: 'clock', ts: ms(t), src })
const end = (src: string) => ({ type: 'end', src, events: 3 })

describe('order, live', () => {
  test('an idle stream that says its clock holds nobody up', async () => {
    const { writers, shown, status, lines } = await live(['host', 'guest'])
    const [h, g] = writers
    await say(g, { type: 'stream', version: 1, src: 'guest', unit: 'ns' }, guest(1))
    for (let t = 250; t <= 2000; t += 250) {
      await say(h, host(t - 240), host(t - 1), clock(t, 'host'))
      await say(g, clock(t, 'guest'))
      const until = Array.from({ length: t / 250 }, (_, i) => [`h${i * 250 + 10}`, `h${i * 250 + 249}`]).flat()
      // all up to this clock is out, and both writers are still there
      await shown(['g1', ...until])
    }
    await Promise.all([h.close(), g.close()])
    assert.equal(await status, 0)
    assert.equal(lines().filter((line) => line.includes('"clock"')).length, 16)
  })

  test('a stalled stream is waited for; --max-wait goes on without it, says so once, and marks what it says later', async () => {
    const waiting = await live(['host', 'guest'])
    await say(waiting.writers[0], host(1000), host(2000), clock(2000, 'host'))
    await say(waiting.writers[1], guest(500), clock(500, 'guest'))
    await waiting.shown(['g500'])
    await say(waiting.writers[1], guest(1500), clock(3000, 'guest'))
    await waiting.shown(['g500', 'h1000', 'g1500', 'h2000'])
    await Promise.all(waiting.writers.map((writer) => writer.close()))
    assert.equal(await waiting.status, 0)

    const { writers, shown, status, stderr } = await live(['host', 'guest'], ['--max-wait', '300ms'])
    const [h, g] = writers
    await say(h, host(1000), host(2000), clock(2000, 'host'))
    await say(g, guest(500))
    await shown(['g500', 'h1000', 'h2000'])
    await say(g, guest(1500), guest(2500), clock(2500, 'guest'))
    await say(h, clock(2501, 'host'))
    await shown(['g500', 'h1000', 'h2000', `g1500!${500e6}`, 'g2500'])
    // stalled again
    await say(h, host(3000), clock(3000, 'host'))
    await shown(['g500', 'h1000', 'h2000', `g1500!${500e6}`, 'g2500', 'h3000'])
    await say(g, guest(2900))
    await Promise.all([h.close(), g.close()])
    assert.equal(await status, 0)
    assert.deepEqual(stderr().split('\n'), [
      'order: guest: silent, going on without it',
      'order: 11 records of 2 inputs, 2 late',
      '',
    ])
  })

  test('a stream that tells clocks without a time is waited for, and --max-wait is not fooled', async () => {
    const untimed = { type: 'clock', src: 'guest', wall: '1795382480374780540' }
    const { writers, shown, status, stderr } = await live(['host', 'guest'], ['--max-wait', '500ms'])
    const [h, g] = writers
    await say(g, untimed, guest(500), untimed)
    await say(h, host(1000), clock(2000, 'host'))
    let talking = true
    const talk = (async () => {
      for (; talking; await sleep(50)) await say(g, untimed)
    })()
    await shown(['g500', 'h1000'])
    assert.match(stderr(), /^order: guest: silent, going on without it\n$/)
    await say(h, host(2500), clock(3000, 'host'))
    await shown(['g500', 'h1000', 'h2500'])
    talking = false
    await talk
    await say(g, guest(3500), clock(3550, 'guest'))
    await shown(['g500', 'h1000', 'h2500', 'g3500'])
    await say(h, host(3600))
    await Promise.all([h.close(), g.close()])
    await shown(['g500', 'h1000', 'h2500', 'g3500', 'h3600'])
    assert.equal(await status, 0)
    assert.match(stderr(), /0 late\n$/)
  })

  for (const how of ['with its end record', 'without one'])
    test(`a stream that ended ${how} holds nobody up`, async () => {
      const { writers, shown, status, stderr } = await live(['host', 'guest'])
      const [h, g] = writers
      await say(h, host(1000), clock(1000, 'host'))
      await say(g, guest(500), ...(how === 'without one' ? [] : [end('guest')]))
      await g.close()
      await shown(['g500', 'h1000'])
      await say(h, host(2000), clock(2000, 'host'))
      await shown(['g500', 'h1000', 'h2000'])
      await h.close()
      assert.equal(await status, 0)
      assert.match(stderr(), /0 late\n$/)
    })

  test('a stream cut in the middle of a line: the line is said, the rest is whole', async () => {
    const { writers, status, stderr, events } = await live(['host', 'guest'])
    const [h, g] = writers
    await say(h, host(1000), host(3000), end('host'))
    await say(g, guest(500))
    await g.write(JSON.stringify(guest(2000)).slice(0, -9))
    await Promise.all([h.close(), g.close()])
    assert.equal(await status, 1)
    assert.deepEqual(events(), ['g500', 'h1000', 'h3000'])
    assert.match(stderr(), /^order: guest:2: .*\norder: 4 records of 2 inputs, 0 late, 1 bad\n$/)
  })

  test('both ended: the same as from files, whatever pieces they came in; losses keep their place', async () => {
    const records = { host: [] as object[], guest: [] as object[] }
    for (let t = 0; t < 4000; t++) {
      const src = t % 3 === 0 ? 'guest' : 'host'
      // a few come out of turn, some too late for the window
      const at = t % 50 === 7 ? t - 30 : t % 511 === 0 && t > 0 ? t - 300 : t
      records[src].push({ ts: ms(at), src, event: `e${t}`, cpu: t % 4 })
      if (t % 250 === 0) records.guest.push(clock(t - 200, 'guest'))
      if (t % 400 === 0) records.host.push({ type: 'lost', src: 'host', count: t, from: ms(t - 20), to: ms(t) })
    }
    records.guest.push(end('guest'))
    const texts = [records.host, records.guest].map((list) => list.map((one) => `${JSON.stringify(one)}\n`).join(''))
    const { writers, status, lines, cwd } = await live(['host', 'guest'])
    await Promise.all(
      writers.map(async (writer, i) => {
        const text = texts[i] as string
        let at = 0
        for (let size = 1; at < text.length; size = (size * 7 + 13) % 5003) {
          await writer.write(text.slice(at, at + size))
          at += size
        }
        await writer.close()
      }),
    )
    assert.equal(await status, 0)
    writeFileSync(join(cwd, 'h.ndjson'), texts[0] as string)
    writeFileSync(join(cwd, 'g.ndjson'), texts[1] as string)
    const files = start(['h.ndjson', 'g.ndjson'], cwd)
    assert.equal(await files.status, 0)
    assert.deepEqual(lines(), files.lines())
    // each loss stands before all events that came after it began
    const all = lines().map((line) => JSON.parse(line))
    const losses = all.filter(({ type }) => type === 'lost')
    assert.deepEqual(
      losses.map(({ count }) => count),
      [0, 400, 800, 1200, 1600, 2000, 2400, 2800, 3200, 3600],
    )
    for (const loss of losses) {
      const rest = all.slice(0, all.indexOf(loss)).filter(({ ts, late_ns }) => ts && !late_ns)
      assert(rest.every(({ ts }) => BigInt(ts) <= BigInt(loss.from)))
    }
  })

  test('a FIFO that nobody writes to yet is silent, not ended, and can be left by ^C', async () => {
    const cwd = join(folder, String(++runs))
    execFileSync('mkdir', [cwd])
    execFileSync('mkfifo', ['host', 'guest'], { cwd })
    const run = start(['--max-wait', '300ms', 'host', 'guest'], cwd)
    const h = await open(join(cwd, 'host'), 'w')
    await say(h, host(1000), clock(1000, 'host'))
    await until(
      () => run.events().length === 1,
      () => run.stderr(),
    )
    const g = await open(join(cwd, 'guest'), 'w')
    await say(g, guest(2000), clock(2000, 'guest'))
    await say(h, clock(2000, 'host'))
    await until(
      () => run.events().length === 2,
      () => run.stderr(),
    )
    await Promise.all([g.close(), h.close()])
    assert.equal(await run.status, 0)
    const alone = start(['guest'], cwd)
    await until(
      () => alone.has(join(cwd, 'guest')),
      () => 'the FIFO is opened',
    )
    alone.kill('SIGINT')
    assert.equal(await alone.status, 130)
  })
})
