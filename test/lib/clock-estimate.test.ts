/** Checking and estimating an offset, on recordings made up with a known one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causalPairs } from '../../lib/clock/causal-match.js'
import { merged } from '../../lib/clock/running.js'
import { best } from '../../lib/clock/sweep.js'
import tool from '../../tools/tsc-align.js'
import { runFilter } from '../support/filter.js'

/** A random number that is the same each time (Park and Miller). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 0x7fffffff
    return state / 0x7fffffff
  }
}

/** Cycles at 1 GHz. Two vCPUs that run now and then, and a cause and an effect each way. */
function recording(offset: bigint, seed = 7): string[] {
  const next = random(seed)
  const host: string[] = []
  const guest: string[] = []
  const start = 10_000_000_000_000_000n
  const onHost = (at: number, event: string, pid: number, args = '{}') =>
    host.push(`{"tsc":"${start + BigInt(at)}","src":"host","event":"kvm:${event}","cpu":0,"pid":${pid},"args":${args}}`)
  const onGuest = (at: number, event: string, cpu: number) =>
    guest.push(
      `{"tsc":"${BigInt.asUintN(64, start + BigInt(at) + offset)}","src":"guest","event":"${event}","cpu":${cpu},"pid":1}`,
    )
  for (const vcpu of [0, 1]) {
    let at = 0
    for (let i = 0; i < 3000; i++) {
      at += 20_000 + Math.floor(next() * 900_000)
      const stay = 5_000 + Math.floor(next() * 200_000)
      const args = `{"vcpu_id":${vcpu}}`
      onHost(at, 'kvm_entry', 100 + vcpu, args)
      if (i % 4 === 0) onHost(at - 9_000, 'kvm_msi_set_irq', 99)
      if (i % 4 === 0) onGuest(at + 1_000 + Math.floor(next() * 3_000), 'irq:irq_handler_entry', vcpu)
      onGuest(at + 600 + Math.floor(next() * (stay - 1_200)), 'sched:sched_switch', vcpu)
      if (i % 8 === 3) onGuest(at + stay - 500, 'block:block_rq_issue', vcpu)
      if (i % 8 === 3) onHost(at + stay + 2_000, 'kvm_mmio', 100 + vcpu)
      onHost(at + stay, 'kvm_exit', 100 + vcpu, args)
      at += stay
    }
  }
  return [...host, ...guest]
}

const causes = ['--forward', 'kvm_msi_set_irq', 'irq_handler_entry', '--backward', 'block_rq_issue', 'kvm_mmio']

function offsetOf(lines: string[]): {
  pinned: boolean
  tsc_offset: bigint
  low: bigint
  high: bigint
  record: Record<string, unknown>
} {
  const record = JSON.parse(lines.find((line) => line.includes('"type":"offset"')) ?? '{}')
  const big = (text: string | undefined) => BigInt(text ?? 0)
  return {
    pinned: record.pinned,
    tsc_offset: big(record.tsc_offset),
    low: big(record.low),
    high: big(record.high),
    record,
  }
}

test('kvm_entry and kvm_exit alone pin an offset, wherever it is', async () => {
  for (const truth of [0n, -9_000_000_000_000_000n, 123_456_789n, -9_999_999_999_000_000n]) {
    const { lines, problems } = await runFilter(tool, ['--estimate'], recording(truth))
    const { pinned, low, high, tsc_offset, record } = offsetOf(lines)
    assert.deepEqual(problems, [])
    assert(pinned && low <= truth && truth <= high, `${truth} is not in ${low}…${high}`)
    assert(high - low < 4_000n && low <= tsc_offset && tsc_offset <= high)
    assert.equal(record.running_violated, 0)
  }
})

test('causes and effects alone bound it from both sides', async () => {
  const truth = -5_000_000_000n
  const lines = recording(truth).filter((line) => !/kvm_(entry|exit)/.test(line))
  const { pinned, low, high } = offsetOf(
    (await runFilter(tool, ['--estimate', '--window', '100us', '--tsc-khz', '1000000', ...causes], lines)).lines,
  )
  assert(pinned && low <= truth && truth <= high && high - low < 30_000n, `${low}…${high}`)
})

test('one direction alone does not pin it, and it says so', async () => {
  const lines = recording(-5_000_000_000n).filter((line) => !/kvm_(entry|exit)/.test(line))
  const ran = await runFilter(tool, ['--estimate', '--forward', 'kvm_msi_set_irq', 'irq_handler_entry'], lines)
  assert.match(ran.problems.join(), /do not pin the offset/)
  const { pinned, record } = offsetOf(ran.lines)
  assert.equal(pinned, false)
  assert.equal(record.tsc_offset, undefined)
})

test('a guest that has nothing to do with this host pins nothing', async () => {
  const host = recording(0n).filter((line) => line.includes('"host"'))
  const guest = recording(0n, 1234).filter((line) => line.includes('"guest"'))
  const ran = await runFilter(tool, ['--estimate'], [...host, ...guest])
  assert.match(ran.problems.join(), /do not pin the offset/)
})

test('no events at all', async () => {
  const ran = await runFilter(tool, ['--estimate'], [])
  assert.match(ran.problems.join(), /nothing to estimate from/)
})

test('--near finds the same', async () => {
  const truth = -5_000_000_000n
  const far = offsetOf((await runFilter(tool, ['--estimate'], recording(truth))).lines)
  const near = offsetOf((await runFilter(tool, ['--estimate', '--near', '-4900000000'], recording(truth))).lines)
  assert.deepEqual([near.low, near.high], [far.low, far.high])
})

test('a missing entry or exit does not move the interval off the truth', async () => {
  const truth = -5_000_000_000n
  let n = 0
  const holes = recording(truth).filter((line) => !/kvm_(entry|exit)/.test(line) || ++n % 13 !== 0)
  const { pinned, low, high, record } = offsetOf((await runFilter(tool, ['--estimate'], holes)).lines)
  assert(pinned && low <= truth && truth <= high)
  assert.equal(record.running_violated, 0)
})

test('what the host lost is no evidence, if it is said', async () => {
  const truth = -5_000_000_000n
  const time = (line: string) => BigInt(/"tsc":"(\d+)"/.exec(line)?.[1] ?? 0)
  const start = 10_000_000_000_000_000n
  const [from, to] = [start + 500_000_000n, start + 800_000_000n]
  const kept = recording(truth).filter((line) => line.includes('guest') || time(line) < from || time(line) > to)
  const lost = `{"type":"lost","src":"host","count":9999,"from":"${from}","to":"${to}"}`
  const silent = offsetOf((await runFilter(tool, ['--estimate'], kept)).lines)
  assert.notEqual(silent.record.running_violated, 0)
  const { pinned, low, high, record } = offsetOf((await runFilter(tool, ['--estimate'], [lost, ...kept])).lines)
  assert(pinned && low <= truth && truth <= high)
  assert.equal(record.running_violated, 0)
})

test('what a comment says: two events and two stretches', () => {
  const rule = {
    events: new Float64Array([105, 222]),
    stretches: merged([
      [0, 10],
      [100, 120],
    ]),
  }
  assert.deepEqual(best([rule], -1000, 1000), { count: 2, low: 102, high: 105 })
})

const latencies = (starts: number[], ends: number[]) =>
  causalPairs(new Float64Array(starts), new Float64Array(ends), 10).map(({ latency }) => Math.round(latency * 10) / 10)

test('what a comment says: early ends, and ends that only look early', () => {
  assert.deepEqual(latencies([0, 200, 400], [-0.4, 199.7, 399.5]), [-0.4, -0.3, -0.5])
  assert.deepEqual(latencies([0, 1, 2], [0.9, 1.9, 2.8]), [0.9, 0.9, 0.8])
})

test('a start without an end is left alone, and loosens the bound of the next', () => {
  const [pair] = causalPairs(new Float64Array([0, 3]), new Float64Array([3.5]), 10)
  assert.deepEqual(pair, { start: 3, end: 3.5, latency: 0.5, bound: 3.5 })
})

test('--check: an offset that is right, early and late', async () => {
  const truth = -5_000_000_000n
  const lines = recording(truth).filter((line) => !/kvm_(entry|exit)/.test(line))
  const check = (offset: bigint) =>
    runFilter(
      tool,
      [
        '--src',
        'host',
        '--tsc-khz',
        '1000000',
        `--tsc-offset=${offset}`,
        '--check',
        'kvm_msi_set_irq',
        'irq_handler_entry',
        '--check',
        'block_rq_issue',
        'kvm_mmio',
      ],
      lines,
    )
  const right = await check(truth)
  assert.deepEqual(right.problems, [])
  assert.match(right.line, /a correction of host times lies in \[-2\.\d+ us, \+10\.\d+ us\]/)
  const late = await check(truth + 11_000n)
  assert.match(late.problems.join(), /earlier than their start/)
  const early = await check(truth - 5_000n)
  assert.match(early.problems.join(), /earlier than their start/)
})
