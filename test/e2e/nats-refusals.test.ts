/** push and pull with NATS servers that want to know who we are, and with such as cannot be used: one clear line each. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { DiscardPolicy, jetstreamManager, RetentionPolicy, type StreamConfig } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { freePort, type NatsServer, natsServer } from '../support/nats.js'
import { keyed, operated } from '../support/nats-operator.js'
import { without } from '../support/needs.js'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-refusals-'))
const servers: NatsServer[] = []
after(async () => {
  await Promise.all(servers.map((server) => server.remove()))
  rmSync(folder, { recursive: true })
})
/** Generous: it only ends a test that would otherwise hang. */
const limit = { timeout: 60_000 }

async function server(more?: string[], store?: string): Promise<NatsServer> {
  const made = await natsServer(more, store)
  servers.push(made)
  return made
}

async function configured(name: string, config: string): Promise<NatsServer> {
  return server(['-js', '-c', file(`${name}.conf`, config)])
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const event = `${JSON.stringify({ ts: '1', src: 'host', event: 'sys:name', pid: 1, args: { pad: 'x'.repeat(60) } })}\n`

function run(tool: string, args: string[], env: NodeJS.ProcessEnv = {}, input = event) {
  const { status, stdout, stderr } = spawnSync(resolve('dist/bin', tool), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    ...limit,
  })
  return { status, stdout, stderr: stderr.replaceAll(/127\.0\.0\.1:\d+/g, 'SERVER') }
}

const target = (url: string) => `${url}/FLEET/fleet.node7.host`
const create = (url: string, env: NodeJS.ProcessEnv = {}) => run('push', ['--create', target(url)], env)
const refusal = (reason: string) => `push: nats://SERVER/FLEET/fleet.node7.host: ${reason}\n`
const STRANGER = refusal('the server does not know this user or password (NATS_CREDS, NATS_NKEY, NATS_USER)')

function refused({ status, stderr }: { status: number | null; stderr: string }, line: string): void {
  assert.equal(stderr, line)
  assert.equal(status, 1)
}

/** One event goes there, and comes back. */
function carries(url: string, env: NodeJS.ProcessEnv): void {
  const { status, stderr } = create(url, env)
  assert.equal(status, 0, stderr)
  const { stdout } = run('pull', ['-q', `${url}/FLEET`], env)
  assert.match(stdout, /"src":"node7\/host","event":"sys:name"/)
}

describe('who we are', { skip: without('nats-server', 'openssl') }, () => {
  test('user and password, in the environment', limit, async () => {
    const { url } = await server(['-js', '--user', 'vmpipe', '--pass', 'secret'])
    const login = (NATS_PASSWORD: string) => ({ NATS_USER: 'vmpipe', NATS_PASSWORD })
    refused(create(url, login('wrong')), STRANGER)
    refused(create(url), STRANGER)
    refused(
      run('pull', [`${url}/FLEET`], login('wrong')),
      STRANGER.replace('push', 'pull').replace('/fleet.node7.host', ''),
    )
    carries(url, login('secret'))
  })

  test('a creds file', limit, async () => {
    const { config, creds } = operated()
    const { url } = await configured('operator', config)
    refused(create(url), STRANGER)
    refused(create(url, { NATS_CREDS: file('other.creds', operated().creds) }), STRANGER)
    carries(url, { NATS_CREDS: file('user.creds', creds) })
    const none = create(url, { NATS_CREDS: '/nowhere/user.creds' })
    refused(none, 'push: NATS_CREDS: /nowhere/user.creds: no such file\n')
    const empty = file('empty.creds', '')
    refused(create(url, { NATS_CREDS: empty }), `push: NATS_CREDS: ${empty}: is no creds file\n`)
  })

  test("a file with a user's key", limit, async () => {
    const { config, seed } = keyed()
    const { url } = await configured('key', config)
    refused(create(url, { NATS_NKEY: file('other.nk', keyed().seed) }), STRANGER)
    carries(url, { NATS_NKEY: file('user.nk', seed) })
    const bad = file('bad.nk', 'SUAX\n')
    refused(create(url, { NATS_NKEY: bad }), `push: NATS_NKEY: ${bad}: is no seed of a user\n`)
  })

  test('a password in the address is refused, and not said back', limit, () => {
    const { status, stderr } = run('push', ['nats://me:secret@127.0.0.1:4222/FLEET/fleet.node7.host'])
    assert.equal(status, 2)
    assert.match(stderr, /^push: a password in an address can be read by every user of this machine/)
    assert.ok(!stderr.includes('secret'))
  })

  test('TLS, by a CA of our own', limit, async () => {
    const { ca, cert, key } = certificates('IP:127.0.0.1')
    const tls = await server(['-js', '--tls', '--tlscert', cert, '--tlskey', key])
    const url = tls.url.replace('nats:', 'tls:')
    carries(url, { NATS_CA: ca })
    const unknown = create(url)
    refused(
      unknown,
      refusal("the server's certificate is signed by nobody that is known here (NATS_CA)").replace('nats:', 'tls:'),
    )
    const other = certificates('IP:127.0.0.2,DNS:localhost')
    const wrong = await server(['-js', '--tls', '--tlscert', other.cert, '--tlskey', other.key])
    const another = create(wrong.url.replace('nats:', 'tls:'), { NATS_CA: other.ca })
    refused(another, refusal("the server's certificate is one for another server").replace('nats:', 'tls:'))
    const plain = await server()
    const insisted = create(plain.url.replace('nats:', 'tls:'), { NATS_CA: ca })
    refused(insisted, refusal('the server does not encrypt').replace('nats:', 'tls:'))
    refused(create(tls.url), refusal("the server's certificate is signed by nobody that is known here (NATS_CA)"))
  })
})

function certificates(names: string): { ca: string; cert: string; key: string } {
  const own = mkdtempSync(join(folder, 'tls-'))
  const at = (name: string) => join(own, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  openssl('req', '-x509', ...fresh, '-subj', '/CN=vmpipe test', '-keyout', at('ca.key'), '-out', at('ca.pem'))
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', `subjectAltName=${names}`]
  openssl(
    'req',
    '-x509',
    ...fresh,
    ...signed,
    '-subj',
    '/CN=server',
    '-keyout',
    at('server.key'),
    '-out',
    at('server.pem'),
  )
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') }
}

describe('what cannot be used', { skip: without('nats-server') }, () => {
  async function streamOf(url: string, config: Partial<StreamConfig>): Promise<void> {
    const connection = await connect({ servers: url })
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'FLEET', subjects: ['fleet.>'], ...config })
    await connection.close()
  }

  test('nobody listens', limit, async () => {
    refused(create(`nats://127.0.0.1:${await freePort()}`), refusal('nobody listens there'))
  })

  test('a server without JetStream', limit, async () => {
    const { url } = await server([])
    const reason = 'the server has no JetStream, or has turned it off; nats-server -js'
    refused(create(url), refusal(reason))
    refused(run('pull', ['--no-retry', target(url)]), refusal(reason).replace('push', 'pull'))
  })

  test('no such stream, and one of other subjects', limit, async () => {
    const { url } = await server()
    refused(run('push', [target(url)]), refusal('there is no such stream; push --create makes it'))
    assert.equal(create(url).status, 0)
    const other = run('push', [`${url}/FLEET/elsewhere.node7.host`])
    const line = refusal('stream FLEET does not take elsewhere.node7.host.*; it has fleet.>')
    refused(other, line.replace('/fleet.', '/elsewhere.'))
  })

  for (const [what, config, reason] of [
    [
      'discards old messages',
      { max_bytes: 1 << 20, discard: DiscardPolicy.Old },
      'discards its oldest messages when it is full, read or not; it must refuse new ones (discard new)',
    ],
    [
      'keeps one message a subject',
      { max_msgs_per_subject: 1 },
      'keeps only so many messages a subject; it must keep all',
    ],
    ['does not acknowledge', { no_ack: true }, 'does not acknowledge what it stores'],
    [
      'forgets what has been read',
      { retention: RetentionPolicy.Workqueue },
      'forgets messages once they are read (workqueue); a worker that takes over reads them again (limits)',
    ],
  ] as const)
    test(`a stream that ${what}`, limit, async () => {
      const { url } = await server()
      await streamOf(url, config)
      refused(create(url), refusal(`stream FLEET ${reason}`))
    })

  test('another number of partitions, at both ends', limit, async () => {
    const { url } = await server()
    assert.equal(run('push', ['--create', '--partitions', '2', target(url)]).status, 0)
    const line = refusal('fleet.node7.host.1of2 is one of 2 partitions, not of 3')
    refused(run('push', ['--partitions', '3', target(url)]), line)
    refused(run('pull', ['--partition', '1/3', target(url)]), line.replace('push', 'pull'))
  })

  test('a full disk', limit, async (t) => {
    const small = join(folder, 'small')
    mkdirSync(small)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', small]).status !== 0) return t.skip('no mount here')
    const one = await server(['-js'], small)
    const full = run('push', ['-q', '--create', target(one.url)], {}, event.repeat(60_000))
    await one.kill()
    spawnSync('umount', [small])
    refused(full, refusal("the server has no room left: its disk is full, or JetStream's share of it"))
  })

  test("an output that is not a worker's, and one of another stream", limit, async () => {
    const { url } = await server()
    assert.equal(create(url).status, 0)
    const pull = (output: string, at: string) => run('pull', ['-q', '--no-retry', '--resume', output, at])
    const notes = file('notes.txt', 'what somebody wrote down\n')
    refused(pull(notes, `${url}/FLEET`), `pull: ${notes}: is no output of pull --resume\n`)
    const output = file('output.ndjson', pull('/nowhere/yet', `${url}/FLEET`).stdout)
    const cut = file('cut.ndjson', readFileSync(output, 'utf8').replace(/\n(.|\n)*/, '\n'))
    assert.match(pull(output, `${url}/FLEET`).stdout, /^\{"type":"summary"/)
    refused(pull(cut, `${url}/FLEET`), `pull: ${cut}: ends before what vmpipe has acknowledged\n`)
    const other = await server()
    assert.equal(create(other.url).status, 0)
    const strange = pull(output, `${other.url}/FLEET`)
    assert.equal(strange.status, 1)
    assert.match(strange.stderr, /^pull: .*output\.ndjson: is the output of stream FLEET .*, not of FLEET .*\n$/)
  })
})
