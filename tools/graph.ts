/**
 * graph - calls of functions as trees, with the time that each took.
 *
 * Reads the entries and exits that the function_graph tracer records (capture-host -g, parse of its text or of a
 * trace.dat) and prints the call trees, totals of functions, or stacks for a flame graph. A tree is all that a
 * function called until it returned. An interrupt is a tree of its own: its time is nobody's self time but its own.
 *
 * What can mislead: the total of a function that slept holds the sleep. A call is as long as it takes with tracing,
 * and tracing a call takes about as long as a short function does.
 */
import { filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { glob } from '../lib/expression/glob.js'
import { type CallCounts, callTrees } from '../lib/graph/calls.js'
import { recordedCalls } from '../lib/graph/recorded-calls.js'
import { type Form, forms, treeWriter } from '../lib/graph/writers.js'
import type { Out } from '../lib/wire/output.js'

const spec = {
  name: 'graph',
  summary: 'calls of functions as trees, with the time that each took',
  operands: '[file...]',
  own: 0,
  options: {
    as: { choices: forms, default: 'outline', describe: 'what is printed of the trees' },
    contains: { type: 'string', value: 'pattern', describe: 'only trees with such a function: `vfs_*`' },
    than: {
      type: 'string',
      value: 'duration',
      coerce: (text?: string) => (text === undefined ? undefined : parseDuration(text)),
      describe: 'only trees that took longer',
    },
    levels: { type: 'number', default: 512, describe: 'of an outline: how many are shown' },
    events: { type: 'boolean', default: false, describe: 'in an outline: also the other events in a tree' },
    irqs: {
      choices: ['apart', 'inside'],
      default: 'apart',
      describe: 'an interrupt is a tree of its own, or a call of what it came in',
    },
    'max-calls': { type: 'number', default: 100000, describe: 'calls of unfinished trees held' },
  },
  examples: [
    'parse trace.txt | graph --contains irqfd_wakeup --than 300us',
    'capture-host -g vfs_read -d 5s | graph --as functions',
  ],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  const { than = -1, as, events } = options
  const wanted = options.contains === undefined ? null : glob(options.contains)
  let output: Out
  const trees = treeWriter(as as Form, {
    levels: Math.max(1, options.levels),
    print: context.print,
    write: (line) => output.write(line),
  })
  const calls = callTrees({
    maxCalls: options['max-calls'],
    irqsInside: options.irqs === 'inside',
    sought: (func) => wanted?.(func) ?? true,
    done(tree) {
      if (tree.found && tree.root.total > than) trees.add(tree)
    },
  })

  const recorded = recordedCalls(calls, events)

  return {
    event(record, out) {
      output = out
      recorded.event(record)
    },
    record(record, out) {
      recorded.record(record)
      if (as === 'calls') out.pass(record)
    },
    end(out) {
      output = out
      trees.end()
      const counts = calls.counts()
      if (trees.left > 0) context.problem(`${trees.left} trees are left out: a speedscope file takes 1,000,000 calls`)
      const shown = than < 0 && !wanted ? undefined : trees.count
      return {
        line: accountLine(counts, shown, than),
        counts: as === 'calls' ? { ...counts, ...(shown === undefined ? {} : { shown }) } : undefined,
      }
    },
  }
})

function accountLine(
  { calls, trees, open, broken, broken_trees, orphans, cut, over }: CallCounts,
  shown: number | undefined,
  than: number,
): string {
  const parts = [
    `${many(calls + open + broken, 'call')} = ${calls} in whole trees + ${broken} in broken ones + ${open} unfinished`,
    `${many(trees, 'tree')}, ${broken_trees} broken`,
  ]
  if (orphans > 0) parts.push(`${many(orphans, 'exit')} without an entry`)
  if (cut > 0) parts.push(`${many(cut, 'call')} beyond --max-calls`)
  if (over > 0) parts.push(`${many(over, 'call')} shorter than what it called`)
  if (shown !== undefined)
    parts.push(`${many(shown, 'tree')} chosen${than < 0 ? '' : `, longer than ${showDuration(than)}`}`)
  return parts.join('; ')
}

function many(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
