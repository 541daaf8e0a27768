/** Call trees: whatever calls there were are found, and where one event is missing no tree is wrong. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { callTrees, type Place } from '../../lib/graph/calls.js'
import { entersInterrupt } from '../../lib/graph/interrupts.js'
import { type Call, isCall, selfOf } from '../../lib/graph/tree.js'

interface Made {
  func: string
  self: number
  inside: readonly Made[]
}

const { made } = fc.letrec<{ made: Made }>((tie) => ({
  made: fc.record({
    func: fc.constantFrom('a', 'b', 'c'),
    self: fc.nat(9),
    inside: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('made'), { maxLength: 4 })),
  }),
}))

interface Step {
  entry: boolean
  func: string
  depth: number
  duration: number
}

const place: Place = { src: 1, srcName: 'host', cpu: 0, pid: 7, comm: 'x', time: undefined, cycles: false }

function total({ self, inside }: Made): number {
  return inside.reduce((sum, call) => sum + total(call), self)
}

function steps(call: Made, depth = 0): Step[] {
  const { func, inside } = call
  const step = { func, depth, duration: total(call) }
  return [{ entry: true, ...step }, ...inside.flatMap((inner) => steps(inner, depth + 1)), { entry: false, ...step }]
}

/** The tree as text, self times included. */
function madeText({ func, self, inside }: Made): string {
  return `${func}:${self}(${inside.map(madeText).join()})`
}

function callText(call: Call): string {
  return `${call.func}:${selfOf(call)}(${call.inside.filter(isCall).map(callText).join()})`
}

function everyTree(call: Made): string[] {
  return [madeText(call), ...call.inside.flatMap(everyTree)]
}

function run(events: readonly Step[]) {
  const found: string[] = []
  const calls = callTrees({
    maxCalls: 1000,
    irqsInside: false,
    sought: () => true,
    done: ({ root }) => found.push(callText(root)),
  })
  for (const { entry, func, depth, duration } of events) {
    if (entry) calls.entry(place, func, depth)
    else calls.exit(place, { func, depth, duration, start: undefined })
  }
  return { found, counts: calls.counts() }
}

describe('call trees', () => {
  test('are what was called, with its self times', () => {
    fc.assert(
      fc.property(fc.array(made, { maxLength: 4 }), (trees) => {
        const { found, counts } = run(trees.flatMap((tree) => steps(tree)))
        assert.deepEqual(found, trees.map(madeText))
        assert.equal(counts.broken + counts.open + counts.orphans, 0)
      }),
    )
  })

  test('without one event: none that was not there, and every entry is accounted for', () => {
    fc.assert(
      fc.property(fc.array(made, { minLength: 1, maxLength: 4 }), fc.nat(), (trees, which) => {
        const events = trees.flatMap((tree) => steps(tree))
        events.splice(which % events.length, 1)
        const { found, counts } = run(events)
        const there = new Set(trees.flatMap(everyTree))
        for (const tree of found) assert.ok(there.has(tree), tree)
        const entries = events.filter(({ entry }) => entry).length
        assert.equal(counts.calls + counts.broken + counts.open, entries)
        assert.ok(counts.broken + counts.open + counts.orphans > 0)
      }),
    )
  })
})

test('names by which interrupts are entered', () => {
  for (const func of [
    'sysvec_apic_timer_interrupt',
    '__sysvec_x86_platform_ipi',
    'common_interrupt',
    'do_IRQ',
    'gic_handle_irq',
    'el1_interrupt',
    'smp_apic_timer_interrupt',
    'gic_handle_irq.isra.0',
  ])
    assert.ok(entersInterrupt(func, true), func)
  for (const func of ['hrtimer_interrupt', 'handle_irq_event', 'irq_enter_rcu', 'kvm_set_irq', 'do_IRQs', 'el1_sync'])
    assert.ok(!entersInterrupt(func, true), func)
  assert.ok(entersInterrupt('irq_exit_rcu', false))
})
