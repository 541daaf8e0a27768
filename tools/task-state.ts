/**
 * task-state - how long each thread ran, waited for a CPU, and slept.
 *
 * Reads sched_switch and sched_wakeup (or sched_waking) in the order of time and writes a `pair` record, with `state` and `comm`, for
 * each stretch that a thread was in one state: R running, RD runnable but not running (run delay), and as the kernel says
 * it S, D, T, t, I. histo makes the table of it.
 *
 * What can mislead: a stretch counts where it ends; what began before the recording or ends after it is only in the account.
 */
import { HAS_CPU, HAS_TS } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { glob } from '../lib/expression/glob.js'
import { accountLine } from '../lib/pairing/account.js'
import { type Moment, type Stretch, taskStates } from '../lib/tasks/states.js'
import { wide } from '../lib/wire/int64.js'
import { lossOf } from '../lib/wire/lost.js'
import { nameOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'

const spec = {
  name: 'task-state',
  summary: 'how long each thread ran, waited for a CPU, and slept',
  operands: '[file...]',
  own: 0,
  options: {
    state: { type: 'string', value: 'states', coerce: lettersOf, describe: 'only these: RD, or S,D, with commas' },
    of: {
      type: 'string',
      array: true,
      value: 'thread',
      describe: 'only these threads: a number, or a comm such as `CPU*/KVM`; may come again',
    },
    than: {
      type: 'string',
      value: 'duration',
      coerce: (text?: string) => (text === undefined ? undefined : parseDuration(text)),
      describe: 'only stretches that took longer',
    },
    'max-threads': { type: 'number', default: 65536, describe: 'threads held; the one longest quiet is given up' },
  },
  examples: [
    'task-state host.ndjson | histo --by pid,comm,state',
    'task-state --state RD --of "CPU*/KVM" --than 5ms host.ndjson | show',
  ],
} as const satisfies Spec

function lettersOf(text: string | undefined): Set<string> | undefined {
  if (text === undefined) return undefined
  const states = new Set(text.split(','))
  for (const state of states)
    if (!/^(R|RD|[SDTtIPXZKWN])$/.test(state))
      throw new Error(`--state: ${JSON.stringify(state)} is none of R, RD, S, D, T, t, I`)
  return states
}

export default filter(spec, (options, context) => {
  const { state: wanted, than } = options
  const chosen = wanted !== undefined || options.of !== undefined || than !== undefined
  const isOf = threadsOf(options.of)
  let output: Out
  let written = 0
  let told = false

  const states = taskStates(options['max-threads'], (stretch) => {
    if (wanted && !wanted.has(stretch.state)) return
    if (!isOf(stretch) || (than !== undefined && stretch.delta <= than)) return
    written++
    output.write(pairText(stretch))
  })

  return {
    event(record, out) {
      output = out
      if (than !== undefined && !record.has(HAS_TS))
        throw new BadRecord('--than needs times in ns; tsc-align makes them')
      states.event(record)
    },
    record(record, out) {
      if (record.type === 'lost' && !states.loss(lossOf(record)) && !told) {
        told = true
        context.problem('a loss was told after stretches that may span it had gone out; put order before task-state')
      }
      out.pass(record)
    },
    end() {
      const account = states.account()
      if (account.acausal > 0)
        context.problem(`${account.acausal} stretches ended before they began: the events are not in order of time`)
      const limit = than === undefined ? '' : ` (longer than ${showDuration(than)})`
      return {
        line: `${accountLine(account)}${chosen ? `; ${written} written${limit}` : ''}`,
        counts: { path: 'task states', ...account, ...(chosen ? { written } : {}) },
      }
    },
  }
})

function threadsOf(names: readonly string[] | undefined): (stretch: Stretch) => boolean {
  if (!names) return () => true
  const pids = new Set(names.filter((name) => /^\d+$/.test(name)).map(Number))
  const comms = names.filter((name) => !/^\d+$/.test(name)).map(glob)
  return ({ task: { pid, comm } }) => pids.has(pid) || comms.some((matches) => matches(comm))
}

function pairText({ state, task, src, start, end, delta }: Stretch): string {
  const unit = end.has & HAS_TS ? 'ts' : 'tsc'
  const source = nameOf(src)
  return JSON.stringify({
    type: 'pair',
    start: nameOf(start.event),
    end: nameOf(end.event),
    key: task.pid,
    [`start_${unit}`]: timeText(start, unit),
    [`end_${unit}`]: timeText(end, unit),
    [unit === 'ts' ? 'delta_ns' : 'delta_tsc']: delta,
    start_cpu: start.has & HAS_CPU ? start.cpu : undefined,
    end_cpu: end.has & HAS_CPU ? end.cpu : undefined,
    src: source === '' ? undefined : source,
    pid: task.pid,
    comm: task.comm,
    state,
  })
}

function timeText({ high, low }: Moment, unit: 'ts' | 'tsc'): string {
  const time = wide(high, low)
  return String(unit === 'ts' ? time : BigInt.asUintN(64, time))
}
