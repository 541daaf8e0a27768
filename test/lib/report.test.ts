/** What report makes of a stream, part by part: lanes and states, losses, clocks, thinning. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { clocks } from '../../lib/report/clocks.js'
import { heat, rowOf } from '../../lib/report/heat.js'
import { fewer, type Segment, stretches } from '../../lib/report/lane.js'
import { losses } from '../../lib/report/losses.js'
import { type Moment, stillRunnable } from '../../lib/report/moment.js'
import { IN_GUEST, IN_HOST, SLEEPING, TASK, VCPU_TASK, WAITING } from '../../lib/report/page-data.js'
import { points } from '../../lib/report/points.js'
import { harmless } from '../../lib/report/texts.js'
import { type Span, timelineOf } from '../../lib/report/timeline.js'

const base = { src: 'host', vm: '', comm: '', text: '' }

function at(time: number, event: string, cpu: number, pid: number, args: Record<string, unknown> = {}): Moment {
  return { ...base, at: time, event, cpu, pid, args }
}

function switched(time: number, cpu: number, prev: number, state: unknown, next: number): Moment {
  return at(time, 'sched_switch', cpu, prev, {
    prev_pid: prev,
    prev_state: state,
    next_pid: next,
    next_comm: `t${next}`,
  })
}

const span: Span = {
  from: -100,
  to: 1100,
  delta: 1000,
  start: { src: 'host', cpu: 1, pid: 7 },
  end: { src: 'guest', cpu: 0, pid: 0 },
}

describe('a timeline', () => {
  test('follows a vCPU thread from the guest to its wait and back', () => {
    const { lanes, split } = timelineOf(
      [
        at(-50, 'kvm_entry', 0, 296, { vcpu_id: 0 }),
        at(100, 'kvm_exit', 0, 296, { vcpu_id: 0 }),
        switched(150, 0, 296, 'R', 404),
        switched(700, 0, 404, 'S', 296),
        at(720, 'kvm_entry', 0, 296, { vcpu_id: 0 }),
      ],
      span,
    )
    const vcpu = lanes.find(({ kind }) => kind === 'vcpu')
    assert.deepEqual(
      vcpu?.segments.map(({ from, to, state }) => [from, to, state]),
      [
        [-100, -50, IN_HOST],
        [-50, 100, IN_GUEST],
        [100, 150, IN_HOST],
        [150, 700, WAITING],
        [700, 720, IN_HOST],
        [720, 1100, IN_GUEST],
      ],
    )
    assert.deepEqual(split, {
      ...{ vcpu: 0, thread: 296, guest: 380, host: 70, running: 0, waiting: 550, sleeping: 0 },
      instead: [['t404 404', 550]],
    })
    const cpu = lanes.find(({ kind, number }) => kind === 'cpu' && number === 0)
    assert.deepEqual(
      cpu?.segments.map(({ state }) => state),
      [VCPU_TASK, TASK, VCPU_TASK],
    )
  })

  test('a thread that sleeps waits from when it is woken', () => {
    const { lanes } = timelineOf(
      [
        switched(0, 0, 296, 'S', 0),
        at(300, 'sched_waking', 1, 7, { pid: 296, target_cpu: 0 }),
        at(310, 'sched_wakeup', 1, 7, { pid: 296, target_cpu: 0 }),
        switched(500, 0, 0, 'R', 296),
        at(510, 'kvm_entry', 0, 296, { vcpu_id: 0 }),
      ],
      span,
    )
    const states = lanes.find(({ kind }) => kind === 'vcpu')?.segments.map(({ from, state }) => [from, state])
    assert.deepEqual(states, [
      [-100, IN_HOST],
      [0, SLEEPING],
      [300, WAITING],
      [500, IN_HOST],
      [510, IN_GUEST],
    ])
  })

  test('does not say whose vCPU waited where two guests have one of that number', () => {
    const entry = (pid: number, vm: string) => ({ ...at(0, 'kvm_entry', 0, pid, { vcpu_id: 0 }), vm })
    assert.equal(timelineOf([entry(1, ''), entry(2, '')], span).split, undefined)
    assert.equal(timelineOf([entry(1, 'other'), entry(2, 'guest')], span).split?.thread, 2)
  })

  test('knows nothing in a gap', () => {
    const { lanes } = timelineOf([switched(0, 0, 5, 'S', 6), switched(900, 0, 8, 'S', 9)], span, [100, 800])
    const cpu = lanes.find(({ kind, number }) => kind === 'cpu' && number === 0)
    assert.deepEqual(
      cpu?.segments.map(({ from, to }) => [from, to]),
      [
        [-100, 0],
        [0, 100],
        [800, 900],
        [900, 1100],
      ],
    )
  })

  test('has the lanes of the pair, however many CPUs there are', () => {
    const many = Array.from({ length: 200 }, (_, cpu) => switched(cpu, cpu + 2, 10, 'S', 11))
    const { lanes, startLane, endLane, hidden } = timelineOf(many, span)
    assert.ok(lanes.length <= 20 && hidden === 202 - lanes.length)
    assert.deepEqual([lanes[startLane]?.src, lanes[startLane]?.number], ['host', 1])
    assert.deepEqual([lanes[endLane]?.src, lanes[endLane]?.number], ['guest', 0])
  })

  test('a state is runnable as text and as the record has it', () => {
    for (const state of ['R', 'R+', 0, '0', 256, '256']) assert.ok(stillRunnable(state), String(state))
    for (const state of ['S', 'D', 1, '2', 128, undefined, '']) assert.ok(!stillRunnable(state), String(state))
  })
})

describe('thinning', () => {
  const segment = (from: number, to: number): Segment => ({ from, to, state: TASK, text: '', cpu: 0 })

  test('of segments keeps their extent, and those that can be seen as they are', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(lengths, (all) => {
        let time = 0
        const segments = all.map((length) => {
          time += length
          return segment(time - length, time)
        })
        const left = fewer(segments, 50)
        assert.ok(left.length <= 150)
        assert.equal(left[0]?.from, 0)
        assert.equal(left.at(-1)?.to, time)
        for (const one of segments)
          if (one.to - one.from > time / 50)
            assert.ok(left.some((other) => other.from === one.from && other.to === one.to))
      }),
    )
  })

  test('of losses loses none', () => {
    const all = losses()
    for (let i = 0; i < 5000; i++)
      all.add({ src: 1 + (i % 2), cpu: i % 4, count: 3, from: BigInt(i * i), to: BigInt(i * i + 1) })
    assert.ok(all.list.length < 1000)
    assert.equal(all.told, 5000)
    assert.equal(
      all.list.reduce((sum, { count }) => sum + (count ?? 0), 0),
      15_000,
    )
    for (let i = 0; i < 5000; i++) {
      const inside = all.list.some(
        ({ src, from = 0n, to = 0n }) => src === 1 + (i % 2) && from <= BigInt(i * i) && to > BigInt(i * i),
      )
      assert.ok(inside, `loss ${i}`)
    }
  })

  test('of points keeps the slowest, and of each series the extremes of each stretch', () => {
    const pair = fc.tuple(
      fc.integer({ min: 0, max: 3e10 }),
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 0, max: 3 }),
    )
    fc.assert(
      fc.property(fc.array(pair, { minLength: 9000, maxLength: 12_000 }), (all) => {
        const some = points()
        for (const [time, delta, series] of [...all, ...all, ...all, ...all]) some.add(time, delta, series)
        const { points: left, stretch } = some.result()
        assert.ok(left.length <= 3 * 8000)
        const kept = new Set(Array.from({ length: left.length / 3 }, (_, i) => left.slice(3 * i, 3 * i + 2).join()))
        const most = new Map<string, number>()
        for (const [time, delta, series] of all) {
          const cell = `${series} ${Math.floor(time / stretch)}`
          most.set(cell, Math.max(delta, most.get(cell) ?? 0))
        }
        for (const [time, delta, series] of all)
          if (
            delta === most.get(`${series} ${Math.floor(time / stretch)}`) &&
            [...most.values()].filter((d) => d === delta).length === 1
          )
            assert.ok(kept.has([time, delta].join()), `${time} ${delta}`)
      }),
      { numRuns: 3 },
    )
  })

  test('of the heatmap loses no pair', () => {
    const grid = heat()
    for (let i = 0; i < 20_000; i++) grid.add(i % 3, i * 1e7 - 5e10, (i * 7919) % 1e6)
    const counts = [0, 1, 2].flatMap((of) => grid.cells(of).filter((_, i) => i % 3 === 2))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      20_000,
    )
    const columns = grid.cells(0).filter((_, i) => i % 3 === 0)
    assert.ok(Math.max(...columns) - Math.min(...columns) < 512)
    assert.deepEqual([0, 1, 2, 1023, 1024, 1448, 1500, 2 ** 53].map(rowOf), [0, 1, 5, 40, 41, 42, 43, 213])
  })
})

describe('clocks', () => {
  test('bound a latency between two machines, and none of one', () => {
    const known = clocks()
    // start_src is asked for first
    let asked = 0
    const pairOf = (from: string, to: string) =>
      ({ member: () => (asked++ % 2 === 0 ? from : to) }) as unknown as Parameters<typeof known.shortest>[0]
    known.shortest(pairOf('host', 'guest'), 79)
    known.shortest(pairOf('guest', 'host'), 31)
    const host = { src: 'host', cpu: 0, pid: 1 }
    const guest = { src: 'guest', cpu: 0, pid: 1 }
    assert.deepEqual(known.latency(host, guest, 1000), { least: 921, most: 1031 })
    assert.deepEqual(known.latency(guest, host, 1000), { least: 969, most: 1079 })
    assert.deepEqual(known.latency(host, host, 1000), {})
  })
})

describe('names', () => {
  test('are shown, cut, and can do nothing', () => {
    assert.equal(harmless('virtio0-input.0'), 'virtio0-input.0')
    assert.equal(harmless('\u001b[31m\u202ea\nb'), '\\x1b[31m\\u{202e}a\\x0ab')
    assert.match(harmless('x'.repeat(65_536)), /^x{299}… \(65,536 characters\)$/)
    // no half of a character at the cut
    assert.ok(!/[\ud800-\udfff]/.test(harmless(`${'x'.repeat(298)}${'😀'.repeat(50)}`).replaceAll('😀', '')))
  })
})

describe('stretches', () => {
  test('tell what was between two times', () => {
    const ran = stretches()
    ran.was(10, TASK, 'a')
    ran.set(10, WAITING, '')
    ran.set(20, TASK, 'b')
    ran.forget(30, 35)
    ran.set(40, TASK, 'c')
    assert.deepEqual(
      ran.between(5, 50).map(({ from, to, text }) => [from, to, text]),
      [
        [5, 10, 'a'],
        [10, 20, ''],
        [20, 30, 'b'],
        [40, 50, 'c'],
      ],
    )
  })
})
