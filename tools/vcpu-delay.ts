/**
 * vcpu-delay - when a vCPU was runnable and did not run, who ran instead, and which task of the guest that hit.
 *
 * Reads the host's scheduler events, and the guest's own where there are any, in the order of time. A delay begins where
 * the vCPU's thread is woken or preempted, and ends where the host's scheduler switches to it. Meanwhile the guest stands
 * still: the task that it had on that vCPU waits too.
 *
 * It also looks whether each event of the guest lies where its vCPU ran, between kvm_entry and kvm_exit: a timeline on
 * which they do not is wrong, and so is the task that a delay is said to have hit.
 *
 * What can mislead: the delay of a vCPU that was woken from HLT hits whatever it was woken for; the task is idle then.
 */
import { EVENT, HAS_CPU, HAS_PID, HAS_TS, PID, SRC, VM } from '../lib/assembly/layout.js'
import { BadRecord, type Context, filter, type Spec } from '../lib/cli/tool.js'
import { parseThreads } from '../lib/clock/clocks.js'
import { parseDuration } from '../lib/clock/duration.js'
import { epoch } from '../lib/clock/times.js'
import { rolesOf } from '../lib/pairing/hops.js'
import type { TimeUnit } from '../lib/statistics/time-text.js'
import { accountLine, many, type PresenceSum, presenceLine } from '../lib/vcpu/account.js'
import { delayRecord, tables, worstText } from '../lib/vcpu/delay-text.js'
import { type DelayCounts, vcpuDelays } from '../lib/vcpu/delays.js'
import { hostScheduling } from '../lib/vcpu/host-events.js'
import { totals } from '../lib/vcpu/totals.js'
import { type Vcpus, vcpuThreads } from '../lib/vcpu/vcpus.js'
import { type Loss, lossOf } from '../lib/wire/lost.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'
import { memberName, type RecordView } from '../lib/wire/record.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]

const spec = {
  name: 'vcpu-delay',
  summary: 'when a vCPU was runnable and did not run, and who ran instead',
  operands: '[file...]',
  own: 0,
  options: {
    than: {
      type: 'string',
      value: 'duration',
      coerce: (text?: string) => (text === undefined ? undefined : parseDuration(text)),
      describe: 'of single delays, only those that were longer; the tables hold all',
    },
    worst: { type: 'number', default: 5, describe: 'how many of the longest delays are told with what ran' },
    'vcpu-thread': {
      type: 'string',
      array: true,
      default: [] as string[],
      describe:
        'PID=N: this host thread is vCPU N, and no other is one; may come again (default: those named `CPU N/KVM`, and those that enter a guest)',
    },
    host: { type: 'string', default: 'host', describe: 'the src that is the host of the others' },
    unit: { choices: units, default: 'ms', describe: 'of the times in the tables' },
    json: { type: 'boolean', default: false, describe: 'write `vcpu_delay` records instead of tables' },
  },
  examples: [
    'order host.ndjson guest.ndjson | vcpu-delay --than 5ms',
    'capture-host -e sched:sched_switch -e sched:sched_waking | tsc-align | vcpu-delay --json --than 1ms',
  ],
} as const satisfies Spec

const nextPid = memberName('next_pid')
const nextComm = memberName('next_comm')

export default filter(spec, (options, context) => {
  const { than = -1, json, worst } = options
  const host = idOf(options.host)
  const clock = epoch()
  const vcpus = vcpuThreads(parseThreads(options['vcpu-thread']))
  const all = totals(worst)
  let output: Out

  const delays = vcpuDelays(
    (pid) => vcpus.of(pid) !== null,
    (pid, delay) => {
      const thread = vcpus.of(pid)
      if (!thread) return
      const found = { ...delay, thread, guest: vcpus.guestTask(thread) }
      all.add(found)
      if (json && delay.end - delay.start > than)
        output.write(JSON.stringify(delayRecord(found, options.host, clock.start)))
    },
  )
  const onHost = hostScheduling(vcpus, delays)
  const isSwitch = rolesOf([{ index: 0, start: 'sched_switch', end: 'sched_switch' }])

  function onGuest(record: RecordView, src: number, at: number): void {
    if (!record.has(HAS_CPU)) return
    const cpu = record.cpu as number
    const next = isSwitch(words[record.row + EVENT] as number) !== null ? record.arg(nextPid) : undefined
    const told = words[record.row + VM] !== 0
    if (typeof next === 'number') vcpus.runs(src, cpu, told, next, () => String(record.arg(nextComm) ?? '<...>'))
    else if (record.has(HAS_PID))
      vcpus.runs(src, cpu, told, words[record.row + PID] as number, () => record.comm ?? '<...>')
    vcpus.ofGuest(src, cpu)?.presence.seen(at)
  }

  return {
    event(record, out) {
      output = out
      if (!record.has(HAS_TS)) throw new BadRecord(`${record.event} has no time in ns; tsc-align makes them`)
      const at = clock.of(record.row)
      const src = words[record.row + SRC] as number
      if (src === host) onHost(record, at, words[record.row + VM] as number)
      else onGuest(record, src, at)
    },
    record(record, out) {
      output = out
      if (record.type === 'lost') forget(lossOf(record))
      if (json) out.pass(record)
    },
    end() {
      const counts = delays.counts()
      const seen = presenceOf(vcpus)
      if (!json) {
        context.print(tables(all, options.unit))
        const longest = all.worst().filter(({ start, end }) => end - start > than)
        if (longest.length > 0) context.print('\nThe longest:\n\n')
        for (const delay of longest) context.print(worstText(delay, clock.start))
      }
      complain(context, counts, vcpus)
      return {
        line: `${accountLine(counts)}; ${presenceLine(seen)}`,
        counts: json ? { ...(than < 0 ? {} : { than_ns: than }), ...counts, ...seen } : undefined,
      }
    },
  }

  function forget({ src, cpu, to }: Loss): void {
    if (src !== 0 && src !== host) {
      vcpus.forget(src, cpu)
      return
    }
    const until = to === undefined ? Number.NEGATIVE_INFINITY : clock.since(to)
    delays.lost(cpu, until)
    if (src === 0) vcpus.forget(src, cpu)
    for (const { presence } of vcpus.all()) presence.lost(until)
  }
})

function presenceOf(vcpus: Vcpus): PresenceSum {
  const all = vcpus.all().map(({ presence }) => presence.counts())
  return {
    inside: all.reduce((sum, { inside }) => sum + inside, 0),
    outside: all.reduce((sum, { outside }) => sum + outside, 0),
    untold: all.reduce((sum, { untold }) => sum + untold, 0),
    furthest_ns: Math.max(0, ...all.map(({ furthest }) => furthest)),
  }
}

function complain(context: Context, { backwards }: DelayCounts, vcpus: Vcpus): void {
  if (vcpus.ambiguous)
    context.problem('two guests have a vCPU of the same number: key-map --vm must say which thread is of which guest')
  if (backwards > 0)
    context.problem(
      `${many(backwards, 'delay')} ended before it began: events are not in order; put order before vcpu-delay`,
    )
}
