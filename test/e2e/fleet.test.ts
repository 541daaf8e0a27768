/**
 * A fleet on three servers: publishers on several nodes, two workers, a replicated stream. While it runs, the stream's
 * leader, a worker and a publisher are killed with -9, and the network of another worker and publisher is cut. What the
 * workers found, put together, is what one process finds in the same recordings, to the last pair.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type Fleet, fleet } from '../support/fleet.js'
import { type NatsServer, natsCluster } from '../support/nats.js'
import { without } from '../support/needs.js'
import { type Network, network } from '../support/network.js'
import { killAll, type Run, run } from '../support/run.js'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fleet-'))
let cluster: NatsServer[] = []
let cut: Network | null = null
after(async () => {
  killAll()
  cut?.remove()
  await Promise.all(cluster.map((server) => server.remove()))
  rmSync(folder, { recursive: true })
})

const NODES = 4
const ROUNDS = 24
const PARTITIONS = 2
/** Lines a node at a time, and ms between: some seconds in all. */
const STEP = 300
const STEP_MS = 80
const CUT_MS = 6000
const PATH = 'kvm:kvm_msi_set_irq irq:irq_handler_entry'

interface Publisher {
  run: Run
  /** Every line has been given to it. */
  fed: Promise<void>
}

/** As a recording that grows, its second half not before `struck`: with --resume its beginning goes fast, for it has been there. */
function publisher(of: Fleet, node: string, target: string, within: string[], done = 0): Publisher {
  const args = ['--wait', '--create', '--replicas', '3', '--resume', '--interval', '20ms']
  const push = run('push', [...args, '--partitions', String(PARTITIONS), target], { within })
  const feed = async () => {
    const lines = of.lines(node)
    for (let at = 0; at < lines.length && push.child.exitCode === null && !push.child.killed; at += STEP) {
      push.child.stdin.write(lines.slice(at, at + STEP).join(''))
      fed.set(node, Math.max(fed.get(node) ?? 0, at))
      if (at >= done) await sleep(STEP_MS)
      if (at >= lines.length / 2) await struck
    }
    push.child.stdin.end()
  }
  return { run: push, fed: feed() }
}

/** By node: how far its recording has grown. */
const fed = new Map<string, number>()
/** All that is to be killed and cut has been: however slow the machine is, it is in the middle. */
let strike = () => {}
const struck = new Promise<void>((resolve) => {
  strike = resolve
})

function worker(partition: number, servers: string, within: string[], more: string[] = ['--follow']): Run {
  const output = outputOf(partition)
  const args = [...more, '--partition', `${partition}/${PARTITIONS}`, '--resume', output, `nats://${servers}/FLEET`]
  return run('vmpipe', [`pull ${args.join(' ')} | pair ${PATH}`], { output, within })
}

const outputOf = (partition: number) => join(folder, `pairs-${partition}.ndjson`)

async function leader(servers: NatsServer[]): Promise<NatsServer> {
  const connection = await connect({ servers: servers.map(({ url }) => url) })
  const manager = await jetstreamManager(connection)
  const { cluster: info } = await manager.streams.info('FLEET')
  await connection.close()
  return servers[Number(info?.leader?.slice(1))] as NatsServer
}

function recordsIn(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const pairsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{"type":"pair"'))
    .toSorted()

/** Of the last summary that pair wrote. */
function accountIn(text: string): Record<string, number> {
  const { type: _, tool: __, path: ___, ...counts } = recordsIn(text).findLast(({ tool }) => tool === 'pair')
  return counts
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

async function until(when: () => boolean): Promise<void> {
  while (!when()) await sleep(10)
}

describe('a fleet', { skip: without('nats-server') }, () => {
  test('killed and cut in the middle: to the last pair what one process finds', { timeout: 120_000 }, async (t) => {
    cut = network()
    if (!cut) t.diagnostic('no network namespaces here: nothing is cut')
    const { address = '127.0.0.1', within = [] } = cut ?? {}
    cluster = await natsCluster(cut ? '0.0.0.0' : '127.0.0.1')
    const at = (host: string) => cluster.map(({ port }) => `${host}:${port}`).join(',')
    const servers = at('127.0.0.1')
    const far = at(address)
    const of = fleet('examples/data/nested-kvm.ndjson.gz', NODES, ROUNDS)
    const target = (node: string, hosts: string) => `nats://${hosts}/FLEET/fleet.${node}.all`

    const publishers = new Map(
      of.nodes.map((node, i) => [
        node,
        i === 0 ? publisher(of, node, target(node, far), within) : publisher(of, node, target(node, servers), []),
      ]),
    )
    await Promise.all([...publishers.values()].map((one) => one.run.says('stream FLEET: 3 copies')))
    let first = worker(1, servers, [])
    const second = worker(2, far, within)
    const found = () => [1, 2].map((partition) => readFileSync(outputOf(partition), 'utf8')).join('')
    await until(() => of.nodes.every((node) => found().includes(`"${node}/`)) && sizeOf(outputOf(1)) > 100_000)

    // a worker
    await first.kill()
    first = worker(1, servers, [])
    // a publisher, replaced by one that reads the recording from its beginning
    const killed = publishers.get('node2') as Publisher
    await killed.run.kill()
    publishers.set('node2', publisher(of, 'node2', target('node2', servers), [], fed.get('node2')))
    // the network of the second worker and the first publisher
    cut?.cut()
    // the server that leads
    const led = await leader(cluster)
    await led.kill()
    strike()
    await sleep(1500)
    await led.start()
    // longer than it takes to notice
    await sleep(CUT_MS)
    cut?.mend()

    for (const [node, one] of publishers) {
      await one.fed
      assert.equal(await one.run.status(), 0, `${node}: ${one.run.err()}`)
    }
    assert.match(publishers.get('node2')?.run.err() ?? '', /, [1-9]\d* of them stored before\n$/)
    if (cut)
      assert.match(
        publishers.get('node1')?.run.err() ?? '',
        /: no answer; waiting\n(.*\n)*push: stream FLEET: goes on\n/,
      )
    // and once more, at the end; the last ones read what is left
    await first.kill()
    await second.kill()
    const last = [1, 2].map((partition) => worker(partition, servers, [], ['--no-retry']))
    for (const one of last) assert.equal(await one.status(), 0, one.err())

    const single = join(folder, 'single.ndjson')
    writeFileSync(single, of.all())
    const one = spawnSync(resolve('dist/bin/pair'), [...PATH.split(' '), '--', single], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    const outputs = [1, 2].map((partition) => readFileSync(outputOf(partition), 'utf8'))
    const wanted = pairsOf(one.stdout)
    assert.ok(wanted.length > NODES * ROUNDS * 300)
    assert.deepEqual(outputs.flatMap(pairsOf).toSorted(), wanted)
    // every start and every end has been counted once, through all the deaths
    const accounts = outputs.map(accountIn)
    const sum = Object.fromEntries(
      Object.keys(accounts[0] ?? {}).map((name) => [
        name,
        accounts.reduce((all, counts) => all + (counts[name] ?? 0), 0),
      ]),
    )
    assert.deepEqual(sum, accountIn(one.stdout))
    assert.ok(
      accounts.every(({ pairs = 0 }) => pairs > wanted.length / 10),
      'both had their part',
    )
  })
})
