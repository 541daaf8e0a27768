/**
 * A simulated fleet (test/sim): hosts and guests played from a real recording with faults, each host on a clock of its own.
 * What the fleet's table says is held against what the simulation knows, to the last pair.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bucketOf, highestOf } from '../lib/statistics/histogram.js'
import { random } from './faults/random.js'
import type { Truth } from './sim/truth.js'

const FAULTS = 'duplicate,lost,die,late'
const PAIR = 'pair -q --account 1s kvm_msi_set_irq irq_handler_entry'

type Sums = Pick<Truth, 'starts' | 'ends' | 'pairs' | 'replaced' | 'lost' | 'orphans' | 'open' | 'total_ns' | 'max_ns'>
interface FleetTruth extends Sums {
  hosts: Record<string, Sums & { vms: Record<string, Truth & { tsc_offset: string }> }>
}

describe('a simulated fleet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-sim-'))
  after(() => rmSync(folder, { recursive: true }))

  function sh(command: string): string {
    const { stdout, stderr, status, error } = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
      cwd: folder,
      env: { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 120_000,
    })
    assert.equal(error, undefined)
    assert.equal(status, 0, `${command}\n${stderr}`)
    return stdout
  }

  function sim(to: string, args: string): FleetTruth {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['dist/test/sim/sim.mjs', ...args.split(' '), '--out', join(folder, to)],
      { encoding: 'utf8', timeout: 120_000 },
    )
    assert.equal(status, 0, stderr)
    return JSON.parse(readFileSync(join(folder, to, 'truth.json'), 'utf8'))
  }

  /** `histogram` records of a table by host and guest, in the form of the truth. */
  function rowsOf(json: string): Record<string, unknown> {
    const rows = json
      .split('\n')
      .filter((line) => line.includes('"histogram"'))
      .map((line) => JSON.parse(line))
    return Object.fromEntries(
      rows.map(({ host, vm, calls, total_ns, min_ns, max_ns, p99_ns }) => [
        `${host} ${vm}`,
        { pairs: calls, total_ns, min_ns, max_ns, p99_ns },
      ]),
    )
  }

  function wanted({ hosts }: FleetTruth): Record<string, unknown> {
    const all = Object.entries(hosts).flatMap(([host, { vms }]) =>
      Object.entries(vms)
        .filter(([, { pairs }]) => pairs > 0)
        .map(([vm, { pairs, total_ns, min_ns, max_ns, p99_ns }]) => {
          // a percentile is the highest value of its bucket, or the longest
          const p99 = Math.min(max_ns, highestOf(bucketOf(p99_ns)))
          return [`${host} ${vm}`, { pairs, total_ns, min_ns, max_ns, p99_ns: p99 }] as const
        }),
    )
    return Object.fromEntries(all)
  }

  function accountOf({ starts, ends, pairs, ...others }: Sums): string {
    const parts = (names: ('replaced' | 'lost' | 'open' | 'orphans')[]) =>
      names.map((name) => (others[name] > 0 ? ` + ${others[name]} ${name}` : '')).join('')
    const front = 'kvm_msi_set_irq => irq_handler_entry:'
    return `${front} ${starts} starts = ${pairs} pairs${parts(['replaced', 'lost', 'open'])}; ${ends} ends = ${pairs} pairs${parts(['orphans'])}`
  }

  describe('of three hosts with four guests each', () => {
    let truth: FleetTruth
    let emitted: string[]
    before(() => {
      truth = sim('some', `--hosts 3 --guests 4 --seed 7 --faults ${FAULTS}`)
      const of = (n: number) =>
        sh(`${PAIR} -- some/node${n}.ndjson | histo -q --emit hdr -i 1s --host node${n} --worker w${n}`)
      emitted = [1, 2, 3].flatMap((n) => of(n).trim().split('\n'))
    })

    test('has all faults in it', () => {
      for (const name of ['replaced', 'lost', 'orphans', 'open'] as const) assert.ok(truth[name] > 0, name)
      assert.equal(truth.starts, truth.pairs + truth.replaced + truth.lost + truth.open)
      assert.equal(truth.ends, truth.pairs + truth.orphans)
      const lines = readFileSync(join(folder, 'some/node1.ndjson'), 'utf8').split('\n')
      assert.ok(new Set(lines).size < lines.length - 1)
    })

    test('the merged table is the truth, to the last pair', () => {
      writeFileSync(join(folder, 'emitted'), `${emitted.join('\n')}\n`)
      assert.deepEqual(rowsOf(sh('histo -q --merge --json --by host,vm emitted')), wanted(truth))
      assert.match(
        sh('histo --merge --by path emitted'),
        new RegExp(`^${accountOf(truth).replaceAll('+', '\\+')}$`, 'm'),
      )
    })

    test('and whatever a channel makes of the order, and however often it sends', () => {
      const dice = random(11)
      const sent = emitted.flatMap((line) => (dice.below(5) === 0 ? [line, line] : [line]))
      // no further than an at-least-once channel goes: each line within some hundred of its place
      const shuffled = sent
        .map((line, i) => ({ line, at: i + dice.below(200) }))
        .sort((a, b) => a.at - b.at)
        .map(({ line }) => line)
      writeFileSync(join(folder, 'shuffled'), `${shuffled.join('\n')}\n`)
      const out = sh('histo -q --merge --json --by host,vm shuffled')
      assert.deepEqual(rowsOf(out), wanted(truth))
      const { repeated, missing_pairs, not_ended } = JSON.parse(out.trim().split('\n').at(-1) ?? '')
      assert.deepEqual([repeated, missing_pairs, not_ended], [sent.length - emitted.length, 0, 0])
    })

    test('is the same again with the same seed, and another with another', () => {
      assert.deepEqual(sim('again', `--hosts 3 --guests 4 --seed 7 --faults ${FAULTS}`), truth)
      assert.notDeepEqual(sim('other', `--hosts 3 --guests 4 --seed 8 --faults ${FAULTS}`), truth)
    })
  })

  test('the starts that a loss took from 100 guests are not taken for a clock that is behind', () => {
    const { hosts } = sim('many', `--hosts 4 --guests 100 --seed 3 --seconds 10 --node 4 --faults ${FAULTS}`)
    const { stderr } = spawnSync(
      'dist/bin/pair',
      ['kvm_msi_set_irq', 'irq_handler_entry', '--', join(folder, 'many/node4.ndjson')],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      },
    )
    assert.equal(
      stderr,
      accountOf(hosts.node4 as Sums)
        .replace(/^.*?:/, 'pair:')
        .concat('\n'),
    )
  })

  test('each machine on its own counter, above 2^53 cycles, comes to the same through tsc-align and order', () => {
    const truth = sim('cycles', `--hosts 2 --guests 2 --seed 5 --clock tsc --faults ${FAULTS}`)
    const guest = (node: string, vm: string) =>
      `<(tsc-align -q --inverse --tsc-offset=${truth.hosts[node]?.vms[vm]?.tsc_offset} cycles/${node}.${vm}.ndjson)`
    const streams = Object.keys(truth.hosts).map((node) => {
      const inputs = `<(tsc-align -q cycles/${node}.host.ndjson) ${guest(node, 'vm1')} ${guest(node, 'vm2')}`
      return `order -q ${inputs} | ${PAIR} | histo -q --emit hdr -i 5s --host ${node}`
    })
    const table = sh(`{ ${streams.join('; ')}; } | histo -q --merge --json --by host,vm`)
    assert.deepEqual(rowsOf(table), wanted(truth))
  })
})
