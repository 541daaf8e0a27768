/**
 * key-map - a key for each event, by which pair finds what belongs together.
 *
 * The two ends of a latency seldom name their subject alike: the host injects an MSI with a destination and a
 * vector, the guest handles an interrupt with a number. An expression per event name makes one `key` of both.
 * `--vm` says which guest an event of the host concerns, so that two guests' equal keys stay apart.
 *
 * What can mislead: an event whose expression fails (a field it lacks) is left out, said and counted; with
 * another key it could be paired wrongly.
 */
import { EVENT, SRC } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { compile, EvaluationError, type Value } from '../lib/expression/compile.js'
import { eventField } from '../lib/expression/event-fields.js'
import { integerIn } from '../lib/expression/integer.js'
import { matches } from '../lib/pairing/hops.js'
import { vmFinder } from '../lib/pairing/vm.js'
import { words } from '../lib/wire/memory.js'
import { nameOf } from '../lib/wire/names.js'
import type { RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'key-map',
  summary: 'a key for each event, from an expression',
  operands: '[file...]',
  own: 0,
  options: {
    key: {
      alias: 'k',
      type: 'string',
      array: true,
      value: 'event=expression',
      describe: 'the key of these events; EVENT as in pair: name, system:name, with commas; may come again',
    },
    vm: {
      type: 'string',
      array: true,
      value: 'name=pid[,tid...]',
      describe: 'events of this QEMU, its vhost workers and these threads concern this guest; may come again',
    },
  },
  examples: [
    `key-map -k 'kvm:kvm_msi_set_irq=(address>>12)&0xff' -k 'irq:irq_handler_entry=irq-24'`,
    'key-map --vm vm1=289,296,298 --vm vm2=401,407',
  ],
} as const satisfies Spec

interface Rule {
  event: string
  key: (record: RecordView) => Value
}

export default filter(spec, (options) => {
  const rules = (options.key ?? []).map(ruleOf)
  const vmOf = vmFinder(options.vm ?? [])
  if (rules.length === 0 && !options.vm) throw new Error('nothing to do: give -k EVENT=EXPRESSION or --vm NAME=PID')
  const byEvent: (Rule | null)[] = []
  let keyed = 0
  let placed = 0

  function ruleFor(event: number): Rule | null {
    const known = byEvent[event]
    if (known !== undefined) return known
    const name = nameOf(event)
    const rule = rules.find((candidate) => matches(candidate.event, name)) ?? null
    byEvent[event] = rule
    return rule
  }

  return {
    event(record, out) {
      const rule = ruleFor(words[record.row + EVENT] as number)
      const vm = options.vm ? vmOf(record, words[record.row + SRC] as number) : ''
      let added = ''
      if (rule) {
        added = `,"key":${keyText(rule, record)}`
        keyed++
      }
      if (vm) {
        added += `,"vm":${vm}`
        placed++
      }
      if (added) out.append(record, added)
      else out.pass(record)
    },
    end: () => ({
      line: `${keyed} events with a key${options.vm ? `, ${placed} with a vm` : ''}`,
      counts: options.vm ? { keyed, placed } : { keyed },
    }),
  }
})

function ruleOf(text: string): Rule {
  const at = text.indexOf('=')
  if (at < 1) throw new Error(`-k ${JSON.stringify(text)} is not EVENT=EXPRESSION`)
  return { event: text.slice(0, at), key: compile(text.slice(at + 1), eventField) }
}

/** A number as a number; above 2^53, and text, as a string. */
function keyText({ key }: Rule, record: RecordView): string {
  let value: Value
  try {
    value = key(record)
  } catch (error) {
    throw error instanceof EvaluationError ? new BadRecord(`${record.event}: ${error.message}`) : error
  }
  const integer = typeof value === 'string' ? integerIn(value) : value
  if (typeof integer === 'number') return String(integer)
  return JSON.stringify(String(value))
}
