/**
 * push and pull as processes, over real sockets: clients that come and go and read slowly, senders that are not
 * there yet, leave and return, an end that is asked for by a signal.
 */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-transport-'))
const running = new Set<ChildProcessWithoutNullStreams>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})
/** Generous: it only ends a test that would otherwise hang. */
const limit = { timeout: 60_000 }

/** Looks every `ms`; what never comes must not keep this process alive when the test has long failed. */
async function until(done: () => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + limit.timeout; !done(); await sleep(ms))
    if (Date.now() > end) throw new Error('waited in vain')
}

interface Run {
  child: ChildProcessWithoutNullStreams
  out(): string
  err(): string
  /** Resolves once stderr has this. */
  says(text: string): Promise<void>
  status(): Promise<number | null>
}

function run(tool: string, ...args: string[]): Run {
  const child = spawn(resolve('dist/bin', tool), args)
  running.add(child)
  const texts = { out: '', err: '' }
  child.stdout.on('data', (piece) => {
    texts.out += piece
  })
  child.stderr.on('data', (piece) => {
    texts.err += piece
  })
  // it may end before it has read all
  child.stdin.on('error', () => {})
  const closed = once(child, 'close').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  return {
    child,
    out: () => texts.out,
    err: () => texts.err,
    async says(text) {
      await until(() => texts.err.includes(text), 5)
    },
    status: () => closed,
  }
}

function event(i: number): string {
  return JSON.stringify({
    ts: String(1_000_000 + i),
    src: 'host',
    event: 'sys:name',
    pid: 1,
    args: { i, pad: 'x'.repeat(60) },
  })
}

function events(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => `${event(from + i)}\n`).join('')
}

function recordsOf(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

async function listening(path: string, onClient: (socket: Socket, n: number) => void): Promise<Server> {
  let n = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onClient(socket, n++)
  })
  // it must not outlive a test that failed
  server.listen(path).unref()
  await once(server, 'listening')
  return server
}

/** Resolves once it has accepted so many more: what it sends before that is not for those who have but connected. */
async function accepts(sender: Run, clients: number): Promise<void> {
  const descriptors = () => readdirSync(`/proc/${sender.child.pid}/fd`).length
  const before = descriptors()
  await until(() => descriptors() >= before + clients, 5)
}

/** A client that counts lines, and reads no more while it is `paused`. */
function reader(path: string) {
  const socket = createConnection(path)
  const pieces: Buffer[] = []
  /** The end of the text, in which news are looked for. */
  let news = ''
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    news = (news + piece).slice(-100_000)
  })
  return {
    socket,
    text: () => Buffer.concat(pieces).toString(),
    async has(part: string) {
      await until(() => news.includes(part), 1)
    },
    closed: once(socket, 'close'),
  }
}

describe('broadcast', () => {
  test('a slow client loses whole lines, all counted; the other gets everything', limit, async () => {
    const path = join(folder, 'slow')
    const push = run('push', '--interval', '0ms', '--max-queue', '64', `unix:${path}`)
    await push.says('listens')
    const both = accepts(push, 2)
    const [fast, slow] = [reader(path), reader(path)]
    await both
    const n = 40_000
    push.child.stdin.write(events(0, 100))
    await Promise.all([fast.has('"i":99,'), slow.has('"i":99,')])
    slow.socket.pause()
    // no faster than the fast one reads
    for (let i = 100; i < n; i += 100) {
      push.child.stdin.write(events(i, i + 100))
      await fast.has(`"i":${i + 99},`)
    }
    slow.socket.resume()
    push.child.stdin.end(`${event(n)}\n`)
    assert.equal(await push.status(), 0)
    await Promise.all([fast.closed, slow.closed])

    const all = recordsOf(fast.text())
    assert.deepEqual(
      all.filter(({ type }) => type === undefined).map(({ args }) => args.i),
      Array.from({ length: n + 1 }, (_, i) => i),
    )
    assert.equal(all.filter(({ type }) => type === 'lost').length, 0)
    assert.equal(all.at(-1).sent, n + 1)

    const some = recordsOf(slow.text())
    const losses = some.filter(({ type }) => type === 'lost')
    const received = some.filter(({ type }) => type === undefined)
    const lost = losses.reduce((sum, { count }) => sum + count, 0)
    assert.ok(lost > 0, 'the queue and the socket held all')
    assert.equal(received.length + lost, n + 1)
    assert.equal(some.at(-1).sent, received.length + losses.length)
    assert.equal(some.at(-1).lost, lost)
    assert.notEqual(all[0].session, some[0].session)
    // each loss lies exactly between the events around it
    for (const [i, { type, src, count, from, to }] of some.entries()) {
      if (type !== 'lost') continue
      const before = some.slice(0, i).findLast((other) => other.type === undefined)
      const next = some.slice(i).find((other) => other.type === undefined)
      assert.deepEqual({ src, from, to: next ? to : undefined }, { src: 'host', from: before.ts, to: next?.ts })
      if (next) assert.equal(count, next.args.i - before.args.i - 1)
    }
  })

  test('a client with nothing waiting gets what is larger than its queue', limit, async () => {
    const path = join(folder, 'large')
    const input = join(folder, 'large.ndjson')
    writeFileSync(input, events(0, 1000))
    const push = run('push', '--wait', '--max-queue', '1', `unix:${path}`, input)
    await push.says('listens')
    const client = reader(path)
    assert.equal(await push.status(), 0)
    await client.closed
    assert.equal(recordsOf(client.text()).filter(({ type }) => type === undefined).length, 1000)
    assert.doesNotMatch(push.err(), /lost/)
  })

  test('no more clients than it serves at a time; when some leave, others may come', limit, async () => {
    const path = join(folder, 'crowd')
    const push = run('push', `unix:${path}`)
    await push.says('listens')
    const served = accepts(push, 64)
    const clients = Array.from({ length: 64 }, () => reader(path))
    await served
    const late = reader(path)
    await late.closed
    const open = () => readdirSync(`/proc/${push.child.pid}/fd`).length
    const before = open()
    clients[0]?.socket.destroy()
    await until(() => open() < before, 5)
    const another = accepts(push, 1)
    const next = reader(path)
    await another
    push.child.stdin.end(events(0, 1))
    assert.equal(await push.status(), 0)
    await next.closed
    assert.match(next.text(), /"i":0,/)
    assert.equal(late.text(), '')
  })

  test('clients come and go; who comes late begins with the stream record', limit, async () => {
    const path = join(folder, 'late')
    const push = run('push', '--interval', '10ms', `unix:${path}`)
    await push.says('listens')
    const one = accepts(push, 1)
    const first = reader(path)
    await one
    push.child.stdin.write(`{"type":"stream","version":1,"src":"host","unit":"ns","clock":"mono"}\n${events(0, 10)}`)
    await first.has('"i":9,')
    const second = reader(path)
    await second.has('"clock":"mono"')
    first.socket.destroy()
    push.child.stdin.end(events(10, 20))
    assert.equal(await push.status(), 0)
    await second.closed
    const [stream, ...rest] = recordsOf(second.text())
    assert.deepEqual(
      { ...stream, session: '', tool: '' },
      { type: 'stream', version: 1, src: 'host', unit: 'ns', clock: 'mono', session: '', tool: '', sent: 0 },
    )
    assert.deepEqual(
      rest.filter(({ type }) => type === undefined).map(({ args }) => args.i),
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    )
    assert.equal(rest.at(-1).sent, 10)
    assert.match(push.err(), /20 lines to .*, 2 clients/)
  })

  test('a port that is in use: one line, status 1', limit, async () => {
    const first = run('push', 'tcp:0')
    await first.says('listens on 127.0.0.1:')
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(first.err()) ?? []
    const { stderr, status } = spawnSync(resolve('dist/bin/push'), [`tcp:${port}`], { encoding: 'utf8', input: '' })
    assert.equal(stderr, `push: tcp:${port}: in use: somebody listens there already\n`)
    assert.equal(status, 1)
    first.child.stdin.end()
    assert.equal(await first.status(), 0)
  })

  test('pull waits for a sender that is not there, and ends with its end', limit, async () => {
    const path = join(folder, 'absent')
    const pull = run('pull', `unix:${path}`)
    await pull.says('not there; waiting')
    const push = run('push', '--wait', `unix:${path}`)
    push.child.stdin.end(events(0, 1000))
    assert.deepEqual([await push.status(), await pull.status()], [0, 0])
    assert.match(pull.err(), /pull: 1000 records, 0 lost\n$/)
    assert.equal(recordsOf(pull.out()).filter(({ src, type }) => src === 'guest' && type === undefined).length, 1000)
  })
})

/** What a sender with one session writes, a clock after every ten lines. */
function sessionText(id: string, n: number, ending = true): string {
  const lines = [`{"type":"stream","version":1,"session":"${id}","sent":0}`]
  for (let i = 0; i < n; i++) {
    lines.push(event(i))
    if (i % 10 === 9) lines.push(`{"type":"clock","session":"${id}","sent":${i + 1}}`)
  }
  if (ending) lines.push(`{"type":"end","session":"${id}","sent":${n}}`)
  return `${lines.join('\n')}\n`
}

describe('pull, from a server that leaves and returns', () => {
  test('what was swallowed in between is told exactly, before what came after it', limit, async () => {
    const path = join(folder, 'swallow')
    const text = sessionText('a1', 1000)
    // both in the middle of a line
    const cuts = [text.indexOf('"i":333,') + 3, text.indexOf('"i":555,') + 3]
    const server = await listening(path, (socket, n) => {
      if (n === 0) socket.end(text.slice(0, cuts[0]))
      else socket.end(text.slice(cuts[1]))
    })
    const pull = run('pull', `unix:${path}`)
    assert.equal(await pull.status(), 0)
    server.close()
    const records = recordsOf(pull.out())
    const at = records.findIndex(({ type }) => type === 'lost')
    assert.deepEqual(records[at], { type: 'lost', src: 'guest', count: 223, from: '1000332', to: '1000556' })
    assert.deepEqual([records[at - 1].args.i, records[at + 1].args.i], [332, 556])
    assert.match(pull.err(), /^pull: 777 records, 223 lost, 1 reconnect\n$/)
  })

  test('nothing is told where nothing was lost', limit, async () => {
    const path = join(folder, 'whole')
    const text = sessionText('a1', 100)
    const cut = text.indexOf('{"ts":"1000050"')
    const server = await listening(path, (socket, n) => {
      socket.end(n === 0 ? text.slice(0, cut) : text.slice(cut))
    })
    const pull = run('pull', `unix:${path}`)
    assert.equal(await pull.status(), 0)
    server.close()
    assert.deepEqual(
      recordsOf(pull.out()).filter(({ type }) => type === 'lost'),
      [],
    )
    assert.match(pull.err(), /^pull: 100 records, 0 lost, 1 reconnect\n$/)
  })

  test('without a count the loss is told after a while, of unknown size; the count comes later', limit, async () => {
    const path = join(folder, 'countless')
    const text = sessionText('a1', 30)
    const clock = text.indexOf('{"type":"clock","session":"a1","sent":20')
    const from = text.indexOf('{"ts":"1000013"')
    const server = await listening(path, async (socket, n) => {
      if (n === 0) {
        socket.end(text.slice(0, text.indexOf('{"ts":"1000011"')))
        return
      }
      socket.write(text.slice(from, clock))
      // longer than pull holds lines back
      await sleep(2500)
      socket.end(text.slice(clock))
    })
    const pull = run('pull', `unix:${path}`)
    assert.equal(await pull.status(), 0)
    server.close()
    const losses = recordsOf(pull.out()).filter(({ type }) => type === 'lost')
    assert.deepEqual(losses, [
      { type: 'lost', src: 'guest', from: '1000010', to: '1000013' },
      { type: 'lost', src: 'guest', count: 2, from: '1000009', to: '1000019' },
    ])
    assert.match(pull.err(), /^pull: 28 records, 2 lost, 1 loss of unknown size, 1 reconnect\n$/)
  })

  for (const [what, ending] of [
    ['another session: the end of the first is not known', false],
    ['another session after an orderly end: nothing is lost', true],
  ] as const)
    test(what, limit, async () => {
      const path = join(folder, `session-${ending}`)
      const server = await listening(path, (socket, n) => {
        if (n < 2) socket.end(sessionText(`s${n}`, 5, n === 1 || ending))
        else pull.child.kill('SIGINT')
      })
      const pull = run('pull', '--follow', `unix:${path}`)
      assert.equal(await pull.status(), 130)
      server.close()
      const records = recordsOf(pull.out())
      const losses = records.filter(({ type }) => type === 'lost')
      assert.deepEqual(losses, ending ? [] : [{ type: 'lost', src: 'guest', from: '1000004' }])
      const summary = records.find(({ type }) => type === 'summary')
      assert.deepEqual([summary.records, summary.lost, summary.unknown, summary.before], [10, 0, ending ? 0 : 1, 0])
    })

  test('one that leaves without a word is said', limit, async () => {
    const path = join(folder, 'wordless')
    const server = await listening(path, (socket) => socket.end())
    const pull = run('pull', '--no-retry', `unix:${path}`)
    assert.equal(await pull.status(), 0)
    assert.deepEqual(
      recordsOf(pull.out()).map(({ type, records }) => [type, records]),
      [['summary', 0]],
    )
    assert.match(pull.err(), /wordless: ended before anything was sent\n/)
    server.close()
  })

  test('^C gives the summary of what has come', limit, async () => {
    const path = join(folder, 'interrupted')
    const server = await listening(path, (socket) => socket.write(sessionText('a1', 20, false)))
    const pull = run('pull', `unix:${path}`)
    while (!pull.out().includes('"i":19,')) await once(pull.child.stdout, 'data')
    pull.child.kill('SIGINT')
    assert.equal(await pull.status(), 130)
    server.close()
    assert.match(pull.err(), /^pull: 20 records, 0 lost\n$/)
  })
})

describe('one receiver', () => {
  test('a FIFO that is read slowly gets every line', limit, async () => {
    const path = join(folder, 'fifo')
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
    const push = run('push', path)
    push.child.stdin.end(events(0, 20_000))
    await push.says('waiting')
    const cat = spawn('bash', ['-c', `exec <"$1"; sleep 1; exec cat`, 'bash', path])
    let text = ''
    for await (const piece of cat.stdout) text += piece
    assert.equal(await push.status(), 0)
    const records = recordsOf(text)
    assert.equal(records.filter(({ type }) => type === undefined).length, 20_000)
    assert.equal(records.at(-1).sent, 20_000)
  })

  test('^C while the receiver does not read: what was not sent is said, status 130', limit, async () => {
    const path = join(folder, 'stuck')
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
    // open for reading, and not read
    const holder = spawn('bash', ['-c', 'exec 3<>"$1"; echo open; read -r', 'bash', path])
    await once(holder.stdout, 'data')
    const push = run('push', '--interval', '10ms', path)
    push.child.stdin.write(events(0, 20_000))
    await sleep(1000)
    push.child.kill('SIGINT')
    assert.equal(await push.status(), 130)
    holder.stdin.end()
    const [, unsent, all] = /(\d+) of (\d+) lines were not sent/.exec(push.err()) ?? []
    assert.ok(Number(unsent) > 0 && Number(unsent) <= Number(all), push.err())
  })

  const script = spawnSync('script', ['--version']).error === undefined
  test('a terminal stands in for a device', {
    ...limit,
    skip: script ? false : 'script is not installed',
  }, async () => {
    const name = join(folder, 'tty')
    const got = join(folder, 'got')
    const other = spawn('script', ['-qec', `stty raw -echo; tty >${name}; exec sleep 30`, '/dev/null'])
    let text = ''
    other.stdout.on('data', (piece) => {
      text += piece
    })
    let path = ''
    while (path === '') {
      await sleep(50)
      path = spawnSync('cat', [name], { encoding: 'utf8' }).stdout.trim()
    }
    const push = run('push', path)
    push.child.stdin.end(events(0, 5000))
    assert.equal(await push.status(), 0)
    await until(() => text.includes('"type":"end"'), 5)
    other.kill('SIGKILL')
    writeFileSync(got, text)
    const pulled = spawnSync(resolve('dist/bin/pull'), [got], { encoding: 'utf8', maxBuffer: 1 << 26 })
    assert.equal(pulled.stderr, 'pull: 5000 records, 0 lost\n')
    assert.equal(
      readFileSync(got, 'utf8').split('\n').length,
      5003 + recordsOf(text).filter(({ type }) => type === 'clock').length,
    )
  })
})
