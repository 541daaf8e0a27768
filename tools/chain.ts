/**
 * chain - a causal path whose link changes at each hop.
 *
 * Reads events in the order of time and writes a `chain` record for each path that was followed to its end: the
 * stages, each with its time, and how long it was after the one before. What leads from one stage to the next is a
 * link that the two have in common, another one at each hop: who woke, who was woken; a packet's buffer.
 * Every path that was begun is accounted for; the line always closes.
 *
 * What can mislead: a link says that two events name the same thing, not that one caused the other. A stage
 * without a link is the next event that fits, whosever it is.
 */
import { HAS_TSC } from '../lib/assembly/layout.js'
import { accountLine, stoppedText } from '../lib/chain/account.js'
import { chainRecord, namedLinks } from '../lib/chain/chain-record.js'
import { chaining } from '../lib/chain/chaining.js'
import { pathOfHops } from '../lib/chain/hop-operands.js'
import { hopPolicies, type Path } from '../lib/chain/path.js'
import { parsePathFile } from '../lib/chain/path-file.js'
import { readText } from '../lib/cli/read-text.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { oneLine } from '../lib/drawing/visible.js'
import { EvaluationError } from '../lib/expression/compile.js'
import { lossOf } from '../lib/wire/lost.js'
import { nameOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'

const spec = {
  name: 'chain',
  summary: 'a causal path whose link changes at each hop',
  operands: '<hop> <hop> [<hop>...] [-- file...]',
  own: Number.POSITIVE_INFINITY,
  options: {
    path: { type: 'string', value: 'file', describe: 'the path from this file, instead of hops; see vmpipe-path(5)' },
    let: {
      type: 'string',
      array: true,
      default: [] as string[],
      value: 'name=value',
      describe: "with --path: another value for one of the file's names; may come again",
    },
    policy: {
      choices: hopPolicies,
      default: 'last',
      describe:
        'a path that comes where another waits with the same link: replaces it, is left out, queues, or both go on',
    },
    than: { type: 'string', value: 'duration', coerce: duration, describe: 'write only paths that took longer' },
    timeout: {
      type: 'string',
      value: 'duration',
      coerce: duration,
      describe: 'give up a path so long after its start',
    },
    'max-open': { type: 'number', default: 4096, describe: 'open paths held; the oldest is given up' },
  },
  examples: [
    `chain 'irqfd_inject[pid]' '[pid]sched_waking[args.pid]' '[args.next_pid]sched_switch' -- host.ndjson`,
    'order vm1.ndjson host.ndjson vm2.ndjson | chain --path two-guests-ping.path',
  ],
} as const satisfies Spec

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

export default filter(spec, (options, context) => {
  const path = pathOf(options, context.operands)
  const { than } = options
  const limited = path.stages.some(({ within }) => within !== undefined)
  const needsNs = options.timeout !== undefined ? '--timeout' : than !== undefined ? '--than' : limited && 'within'
  const told = new Set<string>()
  let slow = 0
  let worst = 0
  let output: Out

  function tellOnce(message: string): void {
    if (told.has(message)) return
    told.add(message)
    context.problem(message)
  }

  const paths = chaining(
    path,
    { timeout: options.timeout ?? Number.POSITIVE_INFINITY, maxOpen: options['max-open'] },
    {
      complete(done) {
        const record = chainRecord(path, done, options.path === undefined ? undefined : namedLinks(path, done))
        if (than !== undefined && took(done.stamps) <= than) return
        slow++
        output.write(record)
      },
      acausal(_stage, by) {
        worst = Math.max(worst, by)
      },
      incomparable(before, record) {
        tellOnce(
          `${oneLine(`${nameOf(before.src)} and ${record.src}`)}: cycles of two machines, or cycles and ns, cannot be compared; tsc-align makes both ns`,
        )
      },
      unusable(record) {
        throw new BadRecord(`${record.event} has no ts or tsc`)
      },
    },
  )

  return {
    event(record, out) {
      output = out
      if (needsNs && record.has(HAS_TSC)) throw new BadRecord(`${needsNs} needs times in ns; tsc-align makes them`)
      try {
        paths.event(record)
      } catch (error) {
        throw error instanceof EvaluationError ? new BadRecord(`${record.event}: ${error.message}`) : error
      }
    },
    record(record, out) {
      output = out
      if (record.type === 'lost' && !paths.loss(lossOf(record)))
        tellOnce('a loss was told after paths that may span it had gone out; put order before chain')
      out.pass(record)
    },
    end(out) {
      output = out
      paths.end()
      const account = paths.account()
      const { stopped: _stopped, ...counts } = account
      if (account.acausal > 0)
        context.problem(
          `${account.acausal} stages are earlier than the one before, by up to ${showDuration(worst)}: without order before chain, or the clocks disagree`,
        )
      const kept = than === undefined ? {} : { than_ns: than, slower: slow }
      return {
        line: accountLine(account) + (than === undefined ? '' : `; ${slow} took longer than ${showDuration(than)}`),
        counts: { path: path.name, ...counts, stopped_before: stoppedText(account) || undefined, ...kept },
      }
    },
  }
})

function took(stamps: readonly ({ time: bigint } | null)[]): number {
  const seen = stamps.filter((stamp) => stamp !== null)
  return Number((seen.at(-1)?.time ?? 0n) - (seen[0]?.time ?? 0n))
}

function pathOf(
  { path, let: lets, policy }: { path?: string; let: string[]; policy: Path['stages'][0]['policy'] },
  operands: readonly string[],
): Path {
  if (path === undefined) {
    if (lets.length > 0) throw new Error('--let goes with --path')
    return pathOfHops(operands, policy)
  }
  if (operands.length > 0) throw new Error('--path and hops exclude each other; files stand after --')
  return parsePathFile(readText(path), lets, path)
}
