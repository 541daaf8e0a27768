/** A trace of whatever events there are: each element as the format wants it, slices that nest, no time that moves. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import exporter from '../../tools/export.js'
import { runFilter } from '../support/filter.js'
import { type Element, readTrace } from '../support/trace-check.js'

const names = ['sched:sched_switch', 'irq:irq_handler_entry', 'irq:irq_handler_exit', 'irq:softirq_entry'].concat(
  ...['irq:softirq_exit', 'kvm:kvm_entry', 'kvm:kvm_exit', 'sched:sched_waking', 'other'],
)
const pid = fc.constantFrom(0, 1, 2, 289, 4_194_304, 5_000_000)

/** Steps back in time and half-known events are in it. */
const step = fc.record({
  kind: fc.constantFrom(...names, 'pair', 'lost'),
  src: fc.constantFrom('host', 'guest', '<script>alert(1)</script>', ''),
  after: fc.integer({ min: -3, max: 50 }),
  cpu: fc.option(fc.constantFrom(0, 1, 65_535), { nil: undefined }),
  pid: fc.option(pid, { nil: undefined }),
  comm: fc.constantFrom('CPU 0/KVM', '\u001b[2J', '\u202etxt', 'a\nb', '</script><!--', 'x'.repeat(300)),
  to: pid,
  state: fc.constantFrom('R', 'S', 'R+', '0', '256', '1'),
})

function lines(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], from: bigint): string[] {
  let now = from
  return steps.map(({ kind, src, after, to, state, ...rest }) => {
    now += BigInt(after)
    const ts = now.toString()
    if (kind === 'pair')
      return JSON.stringify({
        type: 'pair',
        start: 'a',
        end: 'irq:irq_handler_entry',
        start_ts: from.toString(),
        end_ts: ts,
        src,
        start_pid: to,
      })
    if (kind === 'lost')
      return JSON.stringify({ type: 'lost', src, cpu: rest.cpu, count: 3, from: ts, to: (now + 9n).toString() })
    const args = {
      prev_pid: rest.pid ?? 0,
      prev_comm: rest.comm,
      prev_state: state,
      next_pid: to,
      next_comm: rest.comm,
      next_prio: 120,
      pid: to,
      irq: 7,
      vec: 3,
      vcpu_id: 0,
    }
    return JSON.stringify({ ts, src, event: kind, ...rest, args })
  })
}

describe('export perfetto', () => {
  test('whatever comes, in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(10n ** 9n, 2n ** 53n + 1n, 2n ** 60n),
        async (steps, from) => {
          const input = lines(steps, from).filter(
            (line) => !line.includes('"pair"') || BigInt(JSON.parse(line).end_ts) >= from,
          )
          const ran = await runFilter(exporter, ['perfetto'], input)
          assert.deepEqual(ran.bad, [])
          const { elements, other } = readTrace(ran.lines.join(''))
          assert.equal(other.events, input.filter((line) => line.includes('"event"')).length)
          assert.equal(elements.filter(({ ph, cat }) => ph === 'b' && cat === 'pair').length, other.pairs)
          assert.ok(elements.every(({ name }) => name.length < 400))
        },
      ),
    )
  })

  test('the slices of a switch, an interrupt in it, and a vCPU', async () => {
    const at = 2n ** 53n + 1n
    const event = (after: number, name: string, args: object, more: object = {}) =>
      JSON.stringify({ ts: (at + BigInt(after)).toString(), src: 'host', event: name, cpu: 0, pid: 5, ...more, args })
    const to = (prev: number, next: number, state: string) => ({
      prev_pid: prev,
      prev_comm: `c${prev}`,
      prev_state: state,
      next_pid: next,
      next_comm: `c${next}`,
      next_prio: 120,
    })
    const { lines: text, problems } = await runFilter(
      exporter,
      ['perfetto'],
      [
        event(0, 'sched:sched_switch', to(0, 5, 'R')),
        event(10, 'kvm:kvm_entry', { vcpu_id: 1 }),
        event(21, 'kvm:kvm_exit', { exit_reason: 64 }),
        event(23, 'irq:irq_handler_entry', { irq: 25, name: 'eth0' }),
        event(28, 'irq:irq_handler_exit', { irq: 25, ret: 'handled' }),
        event(31, 'sched:sched_switch', to(5, 6, 'R+'), { pid: 5 }),
        event(40, 'sched:sched_switch', to(6, 5, 'S'), { pid: 6 }),
        event(50, 'sched:sched_switch', to(5, 0, 'S'), { pid: 5 }),
      ],
    )
    const { base, elements } = readTrace(text.join(''))
    assert.deepEqual(problems, [])
    const slices = elements
      .filter(({ ph }) => ph === 'X')
      .map(({ name, tid, at: from, dur }: Element) => `${tid} ${name} ${base + from - at}+${dur}`)
    assert.deepEqual(slices.sort(), [
      '5 in the guest, vCPU 1 10+11',
      '5 runnable 31+9',
      '5 running on 0 0+31',
      '5 running on 0 40+10',
      '6 running on 0 31+9',
      '9000000 c5 5 0+31',
      '9000000 c5 5 40+10',
      '9000000 c6 6 31+9',
      '9000000 irq 25 eth0 23+5',
    ])
  })

  test('what is known of clocks is marked, though no host is there', async () => {
    const { lines: text } = await runFilter(
      exporter,
      ['perfetto'],
      [
        '{"type":"offset","src":"vm1","to":"vm2","pinned":true,"width_ns":26000}',
        '{"ts":"5000","src":"vm2","event":"a","cpu":0,"pid":1}',
      ],
    )
    const { elements, other } = readTrace(text.join(''))
    const marks = elements.filter(({ s }) => s === 'g').map(({ name, at }) => [name, at])
    assert.deepEqual(marks, [['clocks: vm1 against vm2 is known to 26000 ns', 5000n]])
    assert.equal(other.clocks.length, 1)
  })

  test('a vCPU that waited and a time without interrupts may overlap others; what is not drawn is named', async () => {
    const { lines: text, line } = await runFilter(
      exporter,
      ['perfetto'],
      [
        '{"type":"vcpu_delay","src":"host","vm":"web","vcpu":1,"pid":50,"cpu":0,"cause":"preempted","start_ts":"2000","end_ts":"3000","delta_ns":1000,"ran":[{"pid":7,"ns":1000}]}',
        '{"type":"irq_off","src":"g","cpu":1,"certainty":"late","begin_after_ts":"1000","begin_before_ts":"2500","end_ts":"4000","evidence":[]}',
        '{"type":"irq_off","src":"g","cpu":1,"certainty":"late","begin_before_ts":"3500","end_ts":"5000","evidence":[]}',
        '{"type":"histogram","calls":1}',
        '{"type":"histogram","calls":2}',
        '{"type":"\\u001b[2J"}',
      ],
    )
    const { base, elements } = readTrace(text.join(''))
    const shown = elements
      .filter(({ ph }) => 'be'.includes(ph))
      .map(({ ph, pid, tid, name, at }) => [ph, pid, tid, name, base + at])
    assert.deepEqual(shown, [
      ['b', 1, 50, 'vCPU web 1 preempted and not run', 2000n],
      ['e', 1, 50, 'vCPU web 1 preempted and not run', 3000n],
      ['b', 2, 19_000_001, 'interrupts off late', 2500n],
      ['e', 2, 19_000_001, 'interrupts off late', 4000n],
      ['b', 2, 19_000_001, 'interrupts off late', 3500n],
      ['e', 2, 19_000_001, 'interrupts off late', 5000n],
    ])
    assert.equal(elements.find(({ cat }) => cat === 'irq_off')?.args.begin_after_ts, '1000')
    assert.equal(
      line,
      '0 events, 0 slices, 1 delay of a vCPU, 2 times without interrupts, 3 records not drawn (histogram \\x1b[2J)',
    )
  })

  test('names of 64 KiB are shown cut, and kept apart', async () => {
    const long = 'x'.repeat(65_536)
    const event = (comm: string, pid: number) =>
      JSON.stringify({ ts: '5', src: 'guest', event: 'a', cpu: 0, pid, comm, args: { [comm]: comm } })
    const ran = await runFilter(exporter, ['perfetto'], [event(long, 7), event(`${long}y`, 8)])
    assert.deepEqual(ran.bad, [])
    const { elements } = readTrace(ran.lines.join(''))
    const names = elements.filter(({ name }) => name === 'thread_name').map(({ args }) => String(args.name))
    assert.equal(new Set(names.map((name) => name.slice(0, -2))).size, 2)
    assert.ok(names.every((name) => name.length < 250))
    assert.equal(elements.find(({ ph }) => ph === 'i')?.args.fields[long], long)
  })

  test('a loss cuts what went on, and what follows begins anew', async () => {
    const event = (ts: string, name: string, pid: number, args: object) =>
      JSON.stringify({ ts, src: 'host', event: name, cpu: 0, pid, args })
    const { lines: text } = await runFilter(
      exporter,
      ['perfetto'],
      [
        event('100', 'sched_switch', 0, { prev_pid: 0, next_pid: 5, next_comm: 'a', prev_state: 'R' }),
        '{"type":"lost","src":"host","cpu":0,"count":12,"from":"150","to":"400"}',
        event('500', 'sched_switch', 7, { prev_pid: 7, next_pid: 0, next_comm: 'swapper/0', prev_state: 'S' }),
      ],
    )
    const { elements } = readTrace(text.join(''))
    const shown = elements
      .filter(({ ph }) => 'Xb'.includes(ph))
      .map(({ name, at, dur, args }) => [name, at, dur, args.cut])
    assert.deepEqual(shown, [
      ['lost 12 events of CPU 0', 150n, 0n, undefined],
      ['running on 0', 100n, 50n, 'events are lost'],
      ['a 5', 100n, 50n, 'events are lost'],
    ])
  })
})
