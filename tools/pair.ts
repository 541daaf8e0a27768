/**
 * pair - the latency from a start event to the end event that belongs to it.
 *
 * Reads events in the order of time and writes one `pair` record for each end that has an open start of the
 * same key: the event's `key` where key-map gave one, else its thread, else its CPU. Every start and every
 * end is accounted for; the summary's line always closes.
 *
 * What can mislead: without `order` before it, two files are two streams one after the other. Threads and
 * CPUs are counted per machine, so events of two machines only pair by a `key`.
 */
import { HAS_TSC } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { oneLine } from '../lib/drawing/visible.js'
import { accountLine } from '../lib/pairing/account.js'
import { pairingByNode } from '../lib/pairing/by-node.js'
import { carrying } from '../lib/pairing/carried.js'
import { detail, type Stretch, sames } from '../lib/pairing/detail.js'
import { hopsOf } from '../lib/pairing/hops.js'
import { keyByMembers } from '../lib/pairing/key.js'
import { pairRow, pairWriter } from '../lib/pairing/pair-record.js'
import { takeover } from '../lib/pairing/takeover.js'
import { telling } from '../lib/pairing/telling.js'
import { limits } from '../lib/statistics/pair-limits.js'
import { lossOf } from '../lib/wire/lost.js'
import { nameOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'

const policies = ['last', 'first', 'fifo', 'lifo'] as const

const spec = {
  name: 'pair',
  summary: 'the latency from a start event to the end event that belongs to it',
  operands: '<start> <end> [<end>...] [-- file...]',
  own: Number.POSITIVE_INFINITY,
  options: {
    policy: {
      choices: policies,
      default: 'last',
      describe: 'a start whose key has an open one: replaces it, is left out, or queues',
    },
    than: { type: 'string', value: 'duration', coerce: duration, describe: 'write only pairs that took longer' },
    lower: {
      type: 'string',
      value: 'duration',
      coerce: duration,
      describe: 'write only pairs that took less; with --than, those and the longer ones',
    },
    detail: {
      type: 'string',
      value: 'before,after',
      coerce: stretch,
      describe:
        'with --than: also write the events around each of these pairs, such as 1ms,200us; with samecpu, samepid, samekey after it only those of the same',
    },
    events: { type: 'boolean', default: false, describe: 'pass on the events as well, for report or another pair' },
    timeout: { type: 'string', value: 'duration', coerce: duration, describe: 'give up a start after this time' },
    'max-open': { type: 'number', default: 16384, describe: 'open starts held; the oldest is given up' },
    by: {
      type: 'string',
      value: 'members',
      coerce: (text?: string) => (text === undefined ? undefined : keyByMembers(text)),
      describe: 'members that are the key: cpu, pid, comm, key, args.NAME, with commas',
    },
    with: {
      type: 'string',
      value: 'fields',
      coerce: (text?: string) => (text === undefined ? undefined : carrying(text)),
      describe: 'fields that the pair gets too, of the start or else of the end: comm, exit_name, ret, with commas',
    },
    account: {
      type: 'string',
      value: 'duration',
      coerce: duration,
      describe: 'tell the account also each so long a time, for histo --emit',
    },
    cycle: { type: 'boolean', default: false, describe: 'the last event is also the start of a hop to the first' },
  },
  examples: ['pair irq_handler_entry irq_handler_exit -- host.ndjson', 'pair sched_waking sched_switch --than 1ms'],
} as const satisfies Spec

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

/** `1ms,200us`, or one duration for both; `samecpu`, `samepid` and `samekey` after them. */
function stretch(text: string | undefined): Stretch | undefined {
  if (text === undefined) return undefined
  const parts = text.split(',')
  const same = sames.filter((one) => parts.includes(one))
  const times = parts.filter((part) => !same.some((one) => one === part))
  const [before, after, ...more] = times.map((part) => BigInt(parseDuration(part)))
  if (before === undefined || more.length > 0) throw new Error(`${JSON.stringify(text)} is not BEFORE,AFTER`)
  return { before, after: after ?? before, same }
}

export default filter(spec, (options, context) => {
  const hops = hopsOf(context.operands, options.cycle)
  const { than, lower, with: carried = null, by = null } = options
  const timeout = options.timeout ?? Number.POSITIVE_INFINITY
  const needsNs = (['timeout', 'than', 'lower'] as const).find((name) => options[name] !== undefined)
  if (options.detail && than === undefined && lower === undefined)
    throw new Error('--detail goes with --than or --lower')
  if (options.detail && options.events) throw new Error('--events passes on what --detail would choose from')
  const around = options.detail ? detail(options.detail) : null
  const fill = pairRow()
  const told = new Set<string>()
  const write = pairWriter()
  const chosen = limits(than, lower)
  const path = hops.map((hop) => `${hop.start} => ${hop.end}`).join(', ')
  const tell = options.account ? telling(options.account, tellAccount) : null
  let worst = 0
  let output: Out

  function tellAccount(until: bigint): void {
    const account = { path, ...pairs.account(), ...chosen.counts() }
    output.write(JSON.stringify({ type: 'account', tool: 'pair', until_ts: until.toString(), ...account }))
  }

  function tellOnce(message: string): void {
    if (told.has(message)) return
    told.add(message)
    context.problem(message)
  }

  const pairs = pairingByNode(
    hops,
    { policy: options.policy, timeout, maxOpen: options['max-open'], by, carried },
    {
      pair(_hop, start, end, delta, values) {
        if (taken.replaying || !chosen.lets(delta)) return
        write(output, fill(start, end, delta), carried ? carried.text(start.carried, values) : '')
        around?.pair(start, end, output)
      },
      acausal(_hop, _start, _end, delta) {
        worst = Math.min(worst, delta)
      },
      incomparable(start, end) {
        tellOnce(
          `${oneLine(`${nameOf(start.src)} and ${end.src}`)}: cycles of two machines, or cycles and ns, cannot be compared; tsc-align makes both ns`,
        )
      },
      unusable(record, what) {
        throw new BadRecord(`${record.event} has no ${what}`)
      },
    },
  )

  const taken = takeover(pairs, path, options.policy === 'last' || options.policy === 'lifo')

  return {
    event(record, out) {
      output = out
      if (!taken.replaying) tell?.(record.row)
      if (needsNs && record.has(HAS_TSC)) throw new BadRecord(`--${needsNs} needs times in ns; tsc-align makes them`)
      if (!taken.replaying) around?.event(record, out)
      if (options.events) out.pass(record)
      pairs.event(record)
    },
    record(record, out) {
      output = out
      if (!taken.replaying) tell?.(record.row)
      if (record.type === 'mark') {
        const mark = taken.mark(record)
        if (mark !== undefined || options.events) out.write(mark ?? record.line)
        return
      }
      if (record.type === 'replay') taken.replay(record)
      if (record.type === 'lost') {
        if (!pairs.loss(lossOf(record)) && !taken.replaying)
          tellOnce('a loss was told after pairs that may span it had gone out; put order before pair')
      }
      // a further pair behind this one reads again, too
      if (options.events || !(taken.replaying || record.type === 'replay')) out.pass(record)
    },
    end() {
      pairs.flush()
      const account = pairs.account()
      if (account.acausal > 0)
        context.problem(
          `${account.acausal} ends are earlier than their start, by up to ${showDuration(-worst)}: the clocks disagree; tsc-align --check says more`,
        )
      const shown = around ? { detail_events: around.events, detail_cut: around.cut } : {}
      if (around && around.cut > 0) context.warn(`${around.cut} slow pairs began before what --detail still held`)
      return {
        line: [accountLine(account), ...chosen.said()].join('; '),
        counts: {
          path,
          ...account,
          ...chosen.counts(),
          ...shown,
        },
      }
    },
  }
})
