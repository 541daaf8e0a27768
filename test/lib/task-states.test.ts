/** States of threads against a replay of each thread by itself, and the account, which closes on every input. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import taskState from '../../tools/task-state.js'
import { runFilter } from '../support/filter.js'

interface Event {
  /** Since the one before. */
  gap: number
  what: 'switch' | 'wakeup'
  prev: number
  next: number
  state: 'R' | 'R+' | 'S' | 'D'
}

const event = fc.record({
  gap: fc.nat(9),
  what: fc.constantFrom('switch' as const, 'wakeup' as const),
  prev: fc.nat(3),
  next: fc.nat(3),
  state: fc.constantFrom('R' as const, 'R+' as const, 'S' as const, 'D' as const),
})

const base = 2n ** 60n

/** What happened to one thread, and when. */
function replay(events: (Event & { at: number })[], pid: number): string[] {
  const out: string[] = []
  let state = ''
  let since = 0
  const become = (now: string, at: number, was: (state: string) => boolean) => {
    if (state !== '' && was(state)) out.push(`${pid} ${state} ${at - since}`)
    state = now
    since = at
  }
  for (const { at, what, prev, next, state: left } of events) {
    if (what === 'wakeup') {
      if (next === pid && state !== 'R' && state !== 'RD') become('RD', at, () => true)
      continue
    }
    if (prev === pid) become(left.startsWith('R') ? 'RD' : left, at, (was) => was === 'R')
    if (next === pid) become('R', at, (was) => was === 'RD')
  }
  return out
}

test('each stretch is that of a replay of its thread, and the account closes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (given) => {
      let now = 0
      const events = given.map((one) => {
        now += one.gap
        return { ...one, at: now }
      })
      const lines = events.map(({ at, what, prev, next, state }) =>
        JSON.stringify({
          ts: String(base + BigInt(at)),
          src: 'host',
          event: what === 'switch' ? 'sched:sched_switch' : 'sched:sched_wakeup',
          args: what === 'switch' ? { prev_pid: prev, prev_state: state, next_pid: next } : { pid: next },
        }),
      )
      const ran = await runFilter(taskState, [], lines)
      const pairs = ran.lines.map((text) => JSON.parse(text))
      const wanted = [1, 2, 3].flatMap((pid) => replay(events, pid)).sort()
      assert.deepEqual(pairs.map(({ pid, state, delta_ns }) => `${pid} ${state} ${delta_ns}`).sort(), wanted)
      const { starts, ends, pairs: count, replaced, orphans, open } = ran.counts
      assert.equal(starts, count + replaced + open)
      assert.equal(ends, count + orphans)
      assert.equal(count, pairs.length)
    }),
  )
})
