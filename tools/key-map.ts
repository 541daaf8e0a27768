/**
 * key-map - a key for each event, by which pair finds what belongs together.
 *
 * The two ends of a latency seldom name their subject alike: the host injects an MSI with a destination and a
 * vector, the guest handles an interrupt with a number. An expression per event name makes one `key` of both.
 * `--irq-map` knows that pair of events by itself, from the guest's own vectors or from what irq-map learnt of them.
 * `--vm` says which guest an event of the host concerns, so that two guests' equal keys stay apart.
 *
 * What can mislead: an event whose expression fails (a field it lacks) is left out, said and counted; with
 * another key it could be paired wrongly.
 */
import { readFileSync } from 'node:fs'
import { EVENT, SRC } from '../lib/assembly/layout.js'
import { BadRecord, type Context, Failure, filter, type Spec } from '../lib/cli/tool.js'
import { compile, EvaluationError, type Value } from '../lib/expression/compile.js'
import { eventField } from '../lib/expression/event-fields.js'
import { integerIn } from '../lib/expression/integer.js'
import { msiOfEvent } from '../lib/interrupts/msi-event.js'
import { type VectorMap, vectorMap } from '../lib/interrupts/vector-map.js'
import { matches } from '../lib/pairing/hops.js'
import { vmFinder } from '../lib/pairing/vm.js'
import { words } from '../lib/wire/memory.js'
import { nameOf } from '../lib/wire/names.js'
import { memberName, type RecordView } from '../lib/wire/record.js'
import { systemMessage } from '../lib/wire/system-message.js'

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
    'irq-map': {
      type: 'string',
      array: true,
      value: '[guest=]file',
      describe:
        "the guest's interrupt as the key of the MSI that the host injects and of its handler; from records of irq-map; may come again for other guests",
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
    'key-map --irq-map map.ndjson both.ndjson',
    'key-map --vm vm1=289,296,298 --vm vm2=401,407',
  ],
} as const satisfies Spec

const MSI = 'kvm_msi_set_irq'

interface Rule {
  event: string
  /** undefined: this event gets no key. */
  key: (record: RecordView) => Value | undefined
}

export default filter(spec, (options, context) => {
  const map = options['irq-map'] && readMaps(options['irq-map'], context)
  const rules = [...(options.key ?? []).map(ruleOf), ...(map ? irqRules(map, whose) : [])]
  const vmOf = vmFinder(options.vm ?? [])
  if (rules.length === 0 && !options.vm)
    throw new Error('nothing to do: give -k EVENT=EXPRESSION, --irq-map FILE or --vm NAME=PID')
  const byEvent: (Rule | null)[] = []
  let keyed = 0
  let placed = 0
  let unmapped = 0

  /** Which guest an event of the host concerns. */
  function whose(record: RecordView): string {
    const vm = options.vm ? vmOf(record, words[record.row + SRC] as number) : ''
    return vm ? JSON.parse(vm) : record.vm
  }

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
        const key = keyText(rule, record)
        if (key === undefined) unmapped += rule.event === MSI ? 1 : 0
        else {
          added = `,"key":${key}`
          keyed++
        }
      }
      if (vm) {
        added += `,"vm":${vm}`
        placed++
      }
      if (added) out.append(record, added)
      else out.pass(record)
    },
    end: () => ({
      line: `${keyed} events with a key${options.vm ? `, ${placed} with a vm` : ''}${map ? `, ${unmapped} MSIs of no known interrupt` : ''}`,
      counts: { keyed, ...(options.vm ? { placed } : {}), ...(map ? { unmapped } : {}) },
    }),
  }
})

/** Both ends of an interrupt that crosses the boundary; an MSI that the map does not know gets no key. */
function irqRules(map: VectorMap, whose: (record: RecordView) => string): Rule[] {
  const irq = memberName('irq')
  return [
    {
      event: MSI,
      key(record) {
        const msi = msiOfEvent(record)
        if (msi === undefined) throw new BadRecord(`${record.event} has neither address and data nor dst and vec`)
        return msi === 'other' ? undefined : map.irqOf(whose(record), msi)
      },
    },
    {
      event: 'irq_handler_entry,irq_handler_exit',
      key(record) {
        if (!map.knows(record.src)) return undefined
        const number = record.arg(irq)
        if (typeof number !== 'number') throw new BadRecord(`${record.event} has no irq`)
        return number
      },
    },
  ]
}

function readMaps(options: readonly string[], context: Context): VectorMap {
  const files = options.map((option) => {
    const [, guest = '', path = option] = /^([^=/]+)=(.+)$/.exec(option) ?? []
    return { guest, path, text: textOf(path) }
  })
  const map = vectorMap(files, (file, line, reason) => context.bad(`${files[file]?.path}:${line}`, reason))
  if (!map.known)
    throw new Failure(
      `${files.map(({ path }) => path).join(', ')}: no interrupt has a vector; irq-map --learn finds them in a recording`,
    )
  return map
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(`${path}: ${systemMessage(error)}`)
  }
}

function ruleOf(text: string): Rule {
  const at = text.indexOf('=')
  if (at < 1) throw new Error(`-k ${JSON.stringify(text)} is not EVENT=EXPRESSION`)
  return { event: text.slice(0, at), key: compile(text.slice(at + 1), eventField) }
}

/** A number as a number; above 2^53, and text, as a string. */
function keyText({ key }: Rule, record: RecordView): string | undefined {
  let value: Value | undefined
  try {
    value = key(record)
  } catch (error) {
    throw error instanceof EvaluationError ? new BadRecord(`${record.event}: ${error.message}`) : error
  }
  if (value === undefined) return undefined
  const integer = typeof value === 'string' ? integerIn(value) : value
  if (typeof integer === 'number') return String(integer)
  return JSON.stringify(String(value))
}
