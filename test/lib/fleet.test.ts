/**
 * histo --emit and --merge: a merged table is that of all the pairs, however they were split over workers and intervals, and
 * however often and in what order the records came.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import histo from '../../tools/histo.js'
import { runFilter } from '../support/filter.js'

const latency = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
)
const pair = fc.record({
  delta: latency,
  vm: fc.constantFrom('vm1', 'vm2', '__proto__'),
  key: fc.constantFrom(26, 27, 'a', '7'),
  /** ms since the last one. */
  after: fc.integer({ min: 0, max: 2500 }),
})

interface Pair {
  delta: number
  vm: string
  key: string | number
  after: number
}

/** Of one worker, in the order of time, which begins where it wants. */
function lines(pairs: readonly Pair[], begin = 0n): string[] {
  let now = begin
  return pairs.map(({ delta, vm, key, after }) => {
    now += BigInt(after) * 1_000_000n
    const times = { start_ts: `${now - BigInt(delta)}`, end_ts: `${now}`, delta_ns: delta }
    return JSON.stringify({ type: 'pair', start: 'a', end: 'b', key, ...times, vm })
  })
}

const emit = async (input: string[], worker: string, host = 'node7') =>
  (await runFilter(histo, ['--emit', 'hdr', '-i', '1s', '--keys', '--worker', worker, '--host', host], input)).lines

async function figures(
  args: string[],
  input: string[],
): Promise<{ rows: string[]; bad: string[]; counts: Record<string, number> }> {
  const { lines, bad, counts } = await runFilter(histo, args, input)
  const rows = lines.filter((line) => line.includes('"histogram"')).map((line) => JSON.parse(line))
  const of = ({
    start,
    end,
    vm,
    key,
    calls,
    total_ns,
    min_ns,
    max_ns,
    buckets,
    ...percentiles
  }: Record<string, unknown>) =>
    JSON.stringify({ start, end, vm, key, calls, total_ns, min_ns, max_ns, buckets, percentiles })
  return { rows: rows.map(of).sort(), bad, counts }
}

const merged = (input: string[]) => figures(['--merge', '--json', '--by', 'path,vm,key'], input)

describe('merged histograms', () => {
  test('are the histogram of the union, for any split, order and repetition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(pair, { minLength: 1, maxLength: 80 }),
        fc.array(fc.nat({ max: 4 }), { minLength: 80, maxLength: 80 }),
        fc.infiniteStream(fc.nat({ max: 1000 })),
        async (pairs, split, order) => {
          const workers = [0, 1, 2, 3, 4].map((worker) => pairs.filter((_, i) => split[i] === worker))
          const emitted: string[] = []
          for (const [i, own] of workers.entries())
            emitted.push(...(await emit(lines(own, BigInt(i) * 10n ** 17n), `w${i}`)))
          const all = await figures(['--keys', '--json'], lines(pairs))
          assert.deepEqual((await merged(emitted)).rows, all.rows)
          // any order, and some of them twice
          const shuffled = emitted
            .flatMap((line) => ((order.next().value ?? 0) % 3 === 0 ? [line, line] : [line]))
            .map((line) => ({ line, at: order.next().value ?? 0 }))
            .sort((a, b) => a.at - b.at)
            .map(({ line }) => line)
          const { rows, bad, counts } = await merged(shuffled)
          assert.deepEqual(bad, [])
          assert.deepEqual(rows, all.rows)
          assert.equal(counts.repeated, shuffled.length - emitted.length)
          assert.equal(counts.missing_pairs, 0)
          assert.equal(counts.not_ended, 0)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('without one interval: its pairs are missing, and how many is known', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 10, maxLength: 40 }), fc.nat(), async (pairs, choice) => {
        const emitted = await emit(lines(pairs), 'w')
        const last = JSON.parse(emitted.at(-1) ?? '').interval as number
        if (last === 0) return
        const gone = choice % last
        const left = emitted.filter((line) => JSON.parse(line).interval !== gone)
        const pairsGone = emitted
          .map((line) => JSON.parse(line))
          .filter(({ type, interval }) => type === 'hdr' && interval === gone)
          .reduce((sum, { calls }) => sum + calls, 0)
        const { counts } = await merged(left)
        assert.equal(counts.missing_pairs, pairsGone)
        assert.equal(counts.pairs, pairs.length - pairsGone)
        const { lines: said } = await runFilter(histo, ['--merge'], left)
        assert.match(
          said.join(''),
          new RegExp(`^w, node7: of its intervals ${gone} never came; ${pairsGone} pairs? (is|are) missing$`, 'm'),
        )
        // and when it comes after all, nothing is
        const late = await merged([...left, ...emitted.filter((line) => JSON.parse(line).interval === gone)])
        assert.deepEqual(late.rows, (await merged(emitted)).rows)
        assert.equal(late.counts.missing_pairs, 0)
        assert.equal(late.counts.late_intervals, 1)
      }),
      { numRuns: 40 },
    )
  })
})

describe('an interval', () => {
  const few: Pair[] = [
    { delta: 10, vm: 'vm1', key: 26, after: 0 },
    { delta: 20, vm: 'vm1', key: 26, after: 500 },
    { delta: 30, vm: 'vm2', key: 27, after: 1000 },
    { delta: 40, vm: 'vm2', key: 27, after: 4000 },
  ]

  test('lies on a grid, counts on where nothing came, and says what came before', async () => {
    const emitted = (await emit(lines(few, 7_250_000_000n), 'w')).map((line) => JSON.parse(line))
    assert.deepEqual(
      emitted
        .filter(({ type }) => type === 'interval')
        .map(({ interval, from_ts, to_ts, pairs, before, final }) => [interval, from_ts, to_ts, pairs, before, final]),
      [
        [0, '7000000000', '8000000000', 2, 0, undefined],
        [1, '8000000000', '9000000000', 1, 2, undefined],
        [2, '12000000000', '12750000000', 1, 3, true],
      ],
    )
  })

  test('below 0 and above 2^53 lies on the same grid', async () => {
    for (const begin of [-5_500_000_000n, 2n ** 62n]) {
      const [first] = (await emit(lines(few, begin), 'w')).map((line) => JSON.parse(line))
      const step = 1_000_000_000n
      assert.equal(BigInt(first.from_ts) % step, 0n)
      assert.ok(BigInt(first.from_ts) <= begin && begin < BigInt(first.to_ts))
    }
  })

  test('of a host that is quiet comes by its clock', async () => {
    const clock = (s: number) => JSON.stringify({ type: 'clock', src: 'host', ts: `${s}000000000` })
    const emitted = (await emit([...lines(few.slice(0, 1), 10n ** 10n), clock(12), clock(12.25), clock(13)], 'w')).map(
      (line) => JSON.parse(line),
    )
    assert.deepEqual(
      emitted.filter(({ type }) => type === 'interval').map(({ interval, rows, from_ts }) => [interval, rows, from_ts]),
      [
        [0, 1, '10000000000'],
        [1, 0, '12000000000'],
        [2, 0, '13000000000'],
      ],
    )
  })

  test('has a lane for each host whose name stands before its machines', async () => {
    const of = (node: string, begin: bigint) =>
      lines(few, begin).map((line) => line.replace(/"vm":"(vm\d)"/, `"vm":"${node}/$1"`))
    const emitted = await emit([...of('n1', 10n ** 12n), ...of('n2', 0n), ...of('n1', 10n ** 13n)], 'w')
    const { lines: json, counts } = await runFilter(histo, ['--merge', '--json', '--by', 'host,vm'], emitted)
    const rows = json.map((line) => JSON.parse(line)).map(({ host, vm, calls }) => `${host} ${vm} ${calls}`)
    assert.deepEqual(rows.slice(0, 4).sort(), ['n1 vm1 4', 'n1 vm2 4', 'n2 vm1 2', 'n2 vm2 2'])
    assert.equal(counts.not_ended, 0)
  })

  test('that came long ago counts once, and what never came is known long after', async () => {
    const many = Array.from({ length: 300 }, (): Pair => ({ delta: 1, vm: 'vm1', key: 1, after: 1000 }))
    const emitted = await emit(lines(many), 'w')
    const of = (interval: number) => emitted.filter((line) => JSON.parse(line).interval === interval)
    const without = emitted.filter((line) => JSON.parse(line).interval !== 20)
    const { counts } = await merged([...without, ...of(3), ...of(20), ...of(20), ...of(290)])
    assert.deepEqual([counts.pairs, counts.missing_pairs, counts.late_intervals, counts.repeated], [300, 0, 1, 6])
  })
})

describe('what a record has no room for', () => {
  const counts = { replaced: 0, expired: 0, evicted: 0, lost: 0, acausal: 0, open: 0, orphans: 0, foreign: 0 }
  const account = (i: number) =>
    JSON.stringify({ type: 'summary', tool: 'pair', path: `a${i} => b`, starts: i, ends: i, pairs: i, ...counts })
  const loss = (i: number) => JSON.stringify({ type: 'lost', src: `guest${i}`, count: i % 2 === 0 ? 10 : undefined })
  const from1 = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
  const told = async (input: string[]) => {
    const emitted = await emit([...lines([{ delta: 5, vm: 'vm1', key: 7, after: 1 }]), ...input], 'w')
    return (await runFilter(histo, ['--merge'], emitted)).lines.join('')
  }

  test('accounts above 64: how many are not told', async () => {
    const said = await told(from1(70).map(account))
    assert.match(said, /^a64 => b: 64 starts/m)
    assert.doesNotMatch(said, /^a65 => b/m)
    assert.match(said, /^6 further accounts of pair, for which there was no room$/m)
    // which is no reason to miss their pairs
    assert.doesNotMatch(said, /went missing/)
    assert.match(await told(from1(64).map(account)), /went missing/)
  })

  test('losses of more than 256 sources: the others are one', async () => {
    const said = await told(from1(300).map(loss))
    assert.match(said, /^lost: at least 220 events of further sources \(w\), in 44 gaps$/m)
    assert.match(said, /^lost: 10 events of guest2 \(w\), in 1 gap$/m)
  })
})
