/**
 * push and pull through real NATS servers: what goes in comes out, once and in order, though the server, the
 * publisher or the worker is killed in the middle.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type NatsServer, natsServer } from '../support/nats.js'
import { without } from '../support/needs.js'
import { killAll, run } from '../support/run.js'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fleet-'))
const servers: NatsServer[] = []
after(async () => {
  killAll()
  await Promise.all(servers.map((server) => server.remove()))
  rmSync(folder, { recursive: true })
})
/** Generous: it only ends a test that would otherwise hang. */
const limit = { timeout: 40_000, skip: without('nats-server') }

async function server(more?: string[], store?: string): Promise<NatsServer> {
  const made = await natsServer(more, store)
  servers.push(made)
  return made
}

function pushed(args: string[], input: string, env: NodeJS.ProcessEnv = {}) {
  const { status, stderr } = spawnSync(resolve('dist/bin/push'), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  return { status, stderr }
}

function pulled(args: string[]) {
  const { status, stdout, stderr } = spawnSync(resolve('dist/bin/pull'), args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 60_000,
  })
  return { status, stderr, events: eventsIn(stdout), records: recordsIn(stdout) }
}

function event(i: number, more = {}): string {
  const pad = 'x'.repeat(60)
  return `${JSON.stringify({ ts: String(1_000_000 + i), src: 'host', event: 'sys:name', pid: 1, args: { i, pad }, ...more })}\n`
}

function events(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => event(from + i)).join('')
}

function recordsIn(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function eventsIn(text: string): number[] {
  return recordsIn(text)
    .filter(({ type }) => type === undefined)
    .map(({ args }) => args.i)
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}

async function until(when: () => boolean): Promise<void> {
  while (!when()) await sleep(5)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

describe('through a server', { skip: limit.skip }, () => {
  test('what is pushed is pulled, under the names of its host; two publishers are two accounts', limit, async () => {
    const { url } = await server()
    const first = pushed(
      ['--create', `${url}/FLEET/fleet.node7.host`],
      `${events(0, 3000)}${event(3000, { vm: 'vm1' })}`,
    )
    assert.equal(first.status, 0, first.stderr)
    assert.match(first.stderr, /stream FLEET: 1 copy on disk, at most 1024 MiB, for 86400 s; repeats known for 120 s/)
    assert.equal(pushed([`${url}/FLEET/fleet.node8.host`], events(0, 10)).status, 0)
    const { status, records, stderr } = pulled([`${url}/FLEET`])
    assert.equal(status, 0, stderr)
    const of = (src: string) => records.filter((record) => record.type === undefined && record.src === src)
    assert.deepEqual(
      of('node7/host').map(({ args }) => args.i),
      upTo(3001),
    )
    assert.deepEqual(
      of('node8/host').map(({ args }) => args.i),
      upTo(10),
    )
    assert.equal(of('node7/host').at(-1).vm, 'node7/vm1')
    const { records: count, lost, publishers } = records.at(-1)
    assert.deepEqual({ count, lost, publishers }, { count: 3011, lost: 0, publishers: 2 })
    // what was acknowledged is not read again, save by another worker
    assert.deepEqual(pulled(['--no-retry', `${url}/FLEET`]).events, [])
    assert.equal(pulled(['--no-retry', '--worker', 'other', `${url}/FLEET/fleet.node7.*`]).events.length, 3001)
  })

  test('kill -9 of the server: all arrives once, in order', limit, async () => {
    const one = await server()
    const push = run('push', ['--create', '--interval', '0ms', `${one.url}/FLEET/fleet.node7.host`])
    const output = join(folder, 'server.ndjson')
    const pull = run('pull', [`${one.url}/FLEET`], { output })
    await push.says('stream FLEET')
    const batches = 60
    for (let i = 0; i < batches; i++) {
      push.child.stdin.write(events(i * 100, (i + 1) * 100))
      if (i % 20 === 10) {
        await one.kill()
        await sleep(50)
        void one.start()
      }
      await sleep(20)
    }
    push.child.stdin.end()
    assert.equal(await push.status(), 0, push.err())
    // without a stream yet it may have come too early
    if ((await Promise.race([pull.status(), sleep(30_000)])) === 1) assert.match(pull.err(), /no such stream/)
    const rest = pulled(['--no-retry', `${one.url}/FLEET`])
    const all = [...eventsIn(readFileSync(output, 'utf8')), ...rest.events]
    assert.deepEqual(all, upTo(batches * 100), `${push.err()}${pull.err()}`)
  })

  test('kill -9 of the publisher: what it had not sent is a loss of unknown size', limit, async () => {
    const { url } = await server()
    const target = `${url}/FLEET/fleet.node7.host`
    const push = run('push', ['--create', '--interval', '0ms', target])
    push.child.stdin.write(events(0, 500))
    await push.says('stream FLEET')
    const output = join(folder, 'publisher.ndjson')
    const pull = run('pull', [`${url}/FLEET`], { output })
    await until(() => sizeOf(output) > 0 && readFileSync(output, 'utf8').includes('"i":499,'))
    await push.kill()
    assert.equal(pushed([target], events(500, 600)).status, 0)
    assert.equal(await pull.status(), 0, pull.err())
    const text = readFileSync(output, 'utf8')
    assert.deepEqual(eventsIn(text), upTo(600))
    const losses = recordsIn(text).filter(({ type }) => type === 'lost')
    assert.deepEqual(
      losses.map(({ src, count }) => ({ src, count })),
      [{ src: 'node7/host', count: undefined }],
    )
  })

  test('a full stream is waited for', limit, async () => {
    const { url } = await server()
    const target = `${url}/FLEET/fleet.node7.host`
    const push = run('push', ['--create', '--stream-size', '1', '--keep', '1s', target])
    push.child.stdin.end(events(0, 12_000))
    await push.says('is full; waiting')
    const output = join(folder, 'full.ndjson')
    const pull = run('pull', [`${url}/FLEET`], { output })
    assert.equal(await push.status(), 0, push.err())
    assert.match(push.err(), /goes on/)
    assert.equal(await pull.status(), 0, pull.err())
    assert.deepEqual(eventsIn(readFileSync(output, 'utf8')), upTo(12_000))
  })

  test(
    'a publisher that was killed is replaced by one that reads the same recording from its beginning',
    limit,
    async () => {
      const { url } = await server()
      const target = `${url}/FLEET/fleet.node7.host`
      const all = events(0, 3000)
      const args = ['--create', '--resume', '--partitions', '2', '--interval', '0ms', target]
      for (const lines of [1000, 2000]) {
        const push = run('push', args)
        push.child.stdin.write(events(0, lines))
        await push.says('stream FLEET')
        await sleep(300)
        await push.kill()
      }
      const { status, stderr } = pushed(args, all)
      assert.equal(status, 0)
      assert.match(stderr, /push: 3000 lines to .*, 2000 of them stored before\n$/)
      // and there is nothing more to do
      assert.match(pushed(args, all).stderr, /3000 of them stored before\n$/)
      const { events: found, records } = pulled([`${url}/FLEET`])
      assert.deepEqual(
        found.toSorted((a, b) => a - b),
        upTo(3000),
      )
      assert.deepEqual(
        { lost: records.at(-1).lost, unknown: records.at(-1).unknown, repeated: records.at(-1).repeated },
        { lost: 0, unknown: 0, repeated: 0 },
      )
      const other = pushed(args, events(0, 100))
      assert.equal(other.status, 1)
      assert.match(
        other.stderr,
        /: 2900 lines are stored that did not come: --resume wants the same input from its beginn/,
      )
    },
  )

  test('of two publishers under one subject the later one has the place', limit, async () => {
    const { url } = await server()
    const target = `${url}/FLEET/fleet.node7.host`
    const first = run('push', ['--create', '--interval', '0ms', target])
    first.child.stdin.write(events(0, 100))
    await first.says('stream FLEET')
    await sleep(300)
    assert.equal(pushed([target], events(100, 200)).status, 0)
    first.child.stdin.end(events(200, 300))
    assert.equal(await first.status(), 1)
    assert.match(first.err(), /^push: .*: another one publishes under fleet\.node7\.host\.1of1\n/m)
    assert.deepEqual(pulled([`${url}/FLEET`]).events, upTo(200))
  })

  for (const way of ['a lost server', 'a full stream'])
    test(
      `${way}: who sends holds its lines back, and what a buffer before it loses is told to the line`,
      limit,
      async () => {
        const one = await server()
        const port = await freePort()
        const sender = run('push', ['--wait', '--max-queue', '256', '--interval', '0ms', `tcp:${port}`])
        await sender.says('listens on')
        const full = way === 'a full stream'
        const target = `${one.url}/FLEET/fleet.node7.host`
        const chain = run('vmpipe', [
          `pull --src host :${port} | push --create --stream-size ${full ? '4 --keep 1s' : '64'} ${target}`,
        ])
        sender.child.stdin.write(events(0, 1000))
        await chain.says('stream FLEET')
        const output = join(folder, `chain-${full}.ndjson`)
        const pull = full ? null : run('pull', [`${one.url}/FLEET`], { output })
        if (pull) await until(() => sizeOf(output) > 0)
        if (!full) await one.kill()
        const n = 150_000
        sender.child.stdin.write(events(1000, n))
        await chain.says(full ? 'stream FLEET is full; waiting' : '; waiting')
        if (!full) {
          await pull?.says('; waiting\n')
          await one.start()
        }
        sender.child.stdin.end()
        const reader = pull ?? run('pull', [`${one.url}/FLEET`], { output })
        assert.equal(await sender.status(), 0, sender.err())
        assert.equal(await chain.status(), 0, chain.err())
        assert.equal(await reader.status(), 0, reader.err())
        const records = recordsIn(readFileSync(output, 'utf8'))
        const found = records.filter(({ type }) => type === undefined).map(({ args }) => args.i)
        const lost = records.filter(({ type }) => type === 'lost').map(({ count }) => count)
        assert.ok(lost.length > 0, 'the buffer was too large for this to show anything')
        // what a full stream let go by its age was before this reader
        const { before } = records.at(-1)
        assert.equal(before + found.length + lost.reduce((sum, count) => sum + count, 0), n)
        assert.deepEqual(
          found,
          found.toSorted((a, b) => a - b),
        )
      },
    )

  test('what the stream has let go, unread, is told as lost', limit, async () => {
    const { url } = await server()
    const target = `${url}/FLEET/fleet.node7.host`
    const push = run('push', ['--create', '--interval', '0ms', '--keep', '1s', target])
    const output = join(folder, 'aged.ndjson')
    push.child.stdin.write(events(0, 100))
    await push.says('stream FLEET')
    const pull = run('pull', [`${url}/FLEET`], { output })
    await until(() => readFileSync(output, 'utf8').includes('"i":99,'))
    await pull.kill()
    push.child.stdin.write(events(100, 200))
    await sleep(2500)
    push.child.stdin.end(events(200, 300))
    assert.equal(await push.status(), 0)
    const { records } = pulled([`${url}/FLEET`])
    // the new worker knows no more than the first count it sees
    assert.equal(records.at(-1).records + records.at(-1).before, 300)
  })
})

describe('workers', { skip: limit.skip }, () => {
  /** Starts and ends of many keys, those of one key far apart. */
  function stream(n: number): string {
    const lines: string[] = []
    for (let i = 0; i < n; i++) {
      lines.push(event(2 * i, { key: i, event: 'a:start' }))
      if (i >= 500) lines.push(event(2 * i + 1, { key: i - 500, event: 'a:end' }))
    }
    return lines.join('')
  }

  function pairsIn(text: string): string[] {
    return recordsIn(text)
      .filter(({ type }) => type === 'pair')
      .map(({ key, start_ts, end_ts }) => `${key} ${start_ts} ${end_ts}`)
  }

  test('killed in the middle, again and again: each pair once, as one process finds them', limit, async () => {
    const small = join(folder, 'small.conf')
    // many batches
    writeFileSync(small, 'max_payload: 8192\n')
    const { url } = await server(['-js', '-c', small])
    const n = 30_000
    const input = stream(n)
    const target = `${url}/FLEET/fleet.node7.host`
    assert.equal(pushed(['--create', '--partitions', '2', '--partition-by', 'key', target], input).status, 0)
    const outputs = ['1/2', '2/2'].map((partition) => ({ partition, path: join(folder, `part-${partition[0]}`) }))
    for (const { partition, path } of outputs) {
      const steps = `pull --partition ${partition} --resume ${path} ${url}/FLEET | pair start end`
      for (const size of [200_000, 900_000]) {
        const worker = run('vmpipe', [steps], { output: path })
        await until(() => sizeOf(path) > size)
        await worker.kill()
      }
      const last = run('vmpipe', [steps.replace('pull', 'pull --no-retry')], { output: path })
      assert.equal(await last.status(), 0, last.err())
      assert.match(last.err(), /: \d+ messages read again, for what was open\n/)
    }
    const single = join(folder, 'single.ndjson')
    writeFileSync(single, input)
    const { stdout } = spawnSync(resolve('dist/bin/pair'), ['start', 'end', '--', single], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    const found = outputs.flatMap(({ path }) => pairsIn(readFileSync(path, 'utf8')))
    assert.equal(found.length, n - 500)
    assert.deepEqual(found.toSorted(), pairsIn(stdout).toSorted())
  })

  test('a second worker waits for the end of the first', limit, async () => {
    const { url } = await server()
    assert.equal(pushed(['--create', `${url}/FLEET/fleet.node7.host`], events(0, 10)).status, 0)
    const first = run('pull', ['--follow', `${url}/FLEET`])
    await first.says('stream FLEET')
    await sleep(300)
    const second = run('pull', ['--follow', `${url}/FLEET`])
    await second.says('another one reads; waiting')
    await first.kill()
    pushed([`${url}/FLEET/fleet.node7.host`], events(10, 20))
    let out = ''
    second.child.stdout.on('data', (piece) => {
      out += piece
    })
    await until(() => out.includes('"i":19,'))
    second.child.kill('SIGTERM')
    assert.equal(await second.status(), 143)
  })

  test('another number of partitions is refused at both ends', limit, async () => {
    const { url } = await server()
    const target = `${url}/FLEET/fleet.node7.host`
    assert.equal(pushed(['--create', '--partitions', '2', target], events(0, 10)).status, 0)
    const { status, stderr } = pulled(['--partition', '1/3', `${url}/FLEET`])
    assert.equal(status, 1)
    assert.match(stderr, /^pull: nats:.*\/FLEET: fleet\.node7\.host\.1of2 is one of 2 partitions, not of 3\n$/)
    assert.match(pushed(['--partitions', '3', target], '').stderr, /is one of 2 partitions, not of 3\n$/)
  })
})
