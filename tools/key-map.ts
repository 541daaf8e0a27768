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
import { EVENT, SRC } from '../lib/assembly/layout.js'
import { filter, type Spec } from '../lib/cli/tool.js'
import { irqRules, MSI, readMaps } from '../lib/interrupts/irq-keys.js'
import { keyRule, keyText, ruleFinder } from '../lib/pairing/key-rules.js'
import { vmFinder } from '../lib/pairing/vm.js'
import { words } from '../lib/wire/memory.js'
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

export default filter(spec, (options, context) => {
  const map = options['irq-map'] && readMaps(options['irq-map'], context.bad)
  const rules = [...(options.key ?? []).map(keyRule), ...(map ? irqRules(map, whose) : [])]
  const vmOf = vmFinder(options.vm ?? [])
  if (rules.length === 0 && !options.vm)
    throw new Error('nothing to do: give -k EVENT=EXPRESSION, --irq-map FILE or --vm NAME=PID')
  const ruleFor = ruleFinder(rules)
  let keyed = 0
  let placed = 0
  let unmapped = 0

  /** Which guest an event of the host concerns. */
  function whose(record: RecordView): string {
    const vm = options.vm ? vmOf(record, words[record.row + SRC] as number) : ''
    return vm ? JSON.parse(vm) : record.vm
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
