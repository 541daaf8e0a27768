/** io-path against a make-believe host and guest, of which it is known what really happened. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import ioPath from '../../tools/io-path.js'
import { runFilter } from '../support/filter.js'
import { type Simulated, simulate } from '../support/virtio-blk.js'

const told = ['--queue', '0x1000=0', '--queue', '0x1004=1']

/** A small generator, so that a failing case is its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const runs = fc.record({ seed: fc.nat(1e9), count: fc.integer({ min: 1, max: 60 }), pace: fc.constantFrom(4, 30, 400) })

interface Followed {
  stages: Record<string, number>
  sector: number
}

function followed(lines: readonly string[]): Followed[] {
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'chain')
    .map(({ links, stages }) => ({
      sector: Number(links.sector),
      stages: Object.fromEntries(
        stages
          .filter((stage: { ts?: string }) => stage.ts)
          .map((stage: { stage: string; ts: string }) => [stage.stage, Number(stage.ts)]),
      ),
    }))
}

/** Nothing is said that did not happen. Without its call less is known: then kick and injection are those nearest to it. */
function sound({ requests }: Simulated, paths: readonly Followed[]): void {
  const byIssue = new Map(requests.map((request) => [request.stages.issue, request]))
  for (const { stages, sector } of paths) {
    const truth = byIssue.get(stages.issue as number)
    assert.equal(truth?.sector, sector)
    const { kick, wake, run, msi, irq, ...others } = stages
    const known = stages.sys_exit === undefined ? others : stages
    for (const [stage, ts] of Object.entries(known)) assert.equal(ts, truth.stages[stage], `${stage} of ${sector}`)
    if (known === stages) continue
    if (kick !== undefined) assert.equal(kick, truth.kicked, `kick of ${sector}`)
    if (msi !== undefined) assert.equal(msi, truth.brought, `msi of ${sector}`)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the counts of a summary
function closes(counts: any): void {
  const { started, whole, gaps, unclear, requeued, lost, evicted, acausal, open } = counts
  assert.equal(started, whole + gaps + unclear + requeued + lost + evicted + acausal + open)
}

describe('io-path', () => {
  test('says no stage that is not so, whatever overlaps', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.boolean(), async ({ seed, count, pace }, learns) => {
        const simulated = simulate(randomOf(seed), count, pace)
        const { lines, counts, bad } = await runFilter(ioPath, learns ? [] : told, linesOf(simulated))
        assert.deepEqual(bad, [])
        const paths = followed(lines)
        assert.equal(paths.length, count)
        sound(simulated, paths)
        closes(counts)
      }),
      { numRuns: 300 },
    )
  })

  test('follows all of them through all stages where they come one after the other', async () => {
    const simulated = simulate(randomOf(7), 200, 4000)
    const { lines, counts } = await runFilter(ioPath, told, linesOf(simulated))
    sound(simulated, followed(lines))
    assert.equal(counts.whole, 200)
    assert.deepEqual(
      followed(lines).map(({ stages }) => Object.keys(stages).length),
      simulated.requests.map(({ stages }) => Object.keys(stages).length),
    )
  })

  test('of two requests of the same sectors at once says neither', async () => {
    let unclear = 0
    await fc.assert(
      fc.asyncProperty(runs, async ({ seed, count, pace }) => {
        const simulated = simulate(randomOf(seed), count, pace, 30)
        const { lines, counts } = await runFilter(ioPath, told, linesOf(simulated))
        sound(simulated, followed(lines))
        closes(counts)
        unclear += counts.unclear
      }),
      { numRuns: 100, includeErrorInReport: true },
    )
    assert.ok(unclear > 100)
  })

  test('says nothing of requests that a loss may have touched', async () => {
    let lost = 0
    const cuts = fc.record({ src: fc.constantFrom('host', 'guest'), from: fc.nat(100), length: fc.nat(40) })
    await fc.assert(
      fc.asyncProperty(runs, cuts, async ({ seed, count, pace }, { src, from, length }) => {
        const simulated = simulate(randomOf(seed), count, pace)
        const { lines, counts, problems } = await runFilter(ioPath, told, cut(simulated, src, from, length))
        assert.deepEqual(problems, [])
        sound(simulated, followed(lines))
        closes(counts)
        lost += counts.lost
      }),
      {
        ...{ numRuns: 200, includeErrorInReport: true },
        // a request that the host, unseen, had begun with before the next kick
        examples: [
          [
            { seed: 999999986, count: 55, pace: 30 },
            { src: 'host', from: 12, length: 36 },
          ],
        ],
      },
    )
    assert.ok(lost > 100)
  })

  test('holds no more requests than it may', async () => {
    const simulated = simulate(randomOf(3), 60, 4)
    const { lines, counts } = await runFilter(ioPath, [...told, '--max-open', '5'], linesOf(simulated))
    sound(simulated, followed(lines))
    closes(counts)
    assert.ok(counts.evicted > 0)
    assert.ok(counts.open <= 5)
  })
})

function linesOf({ events }: Simulated): string[] {
  return events.map(({ line }) => line)
}

/** Without what a machine traced in this part (of 100) of the time; the loss is told where it begins, as order does. */
function cut({ events }: Simulated, src: string, percent: number, length: number): string[] {
  const end = events.at(-1)?.ts ?? 0
  const from = Math.floor((end * percent) / 100)
  const to = Math.floor((end * (percent + length)) / 100) + 1
  const loss = JSON.stringify({ type: 'lost', src, count: 1, from: String(from), to: String(to) })
  const missing = (line: string) => line.includes(`"src":"${src}"`)
  return [
    ...events.filter(({ ts }) => ts <= from).map(({ line }) => line),
    loss,
    ...events.filter(({ ts, line }) => ts > from && !(ts < to && missing(line))).map(({ line }) => line),
  ]
}
