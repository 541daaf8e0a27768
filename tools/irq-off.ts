/**
 * irq-off - periods in which a CPU took no interrupt.
 *
 * Reads events in the order of time and finds where a CPU's tick or a timer came late (`local_timer_entry`,
 * `hrtimer_expire_entry` against its `hrtimer_start`), and where the host of a guest had an interrupt for a vCPU that ran
 * on without taking it (`kvm_apic_accept_irq`, `kvm_entry`, `kvm_inj_virq`). Each period has bounds: when interrupts were
 * last known to be on, since when they were off, when one came.
 *
 * What can mislead: to a guest, a vCPU that did not run looks like interrupts off. Only the host's events tell: with them
 * a period is `proven`, or is left out and counted. An idle CPU has no ticks, so without sched_switch ticks tell nothing.
 */
import { EVENT, HAS_CPU, HAS_PID, HAS_TS, PID, SRC, VM } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { epoch } from '../lib/clock/times.js'
import { type Current, offAccount, offPeriods } from '../lib/interrupts/off.js'
import { hostEvents } from '../lib/interrupts/off-host.js'
import { kindsOf } from '../lib/interrupts/off-kinds.js'
import { offHead, offLine, offRecord } from '../lib/interrupts/off-record.js'
import type { QuietCpu } from '../lib/interrupts/quiet.js'
import { timers } from '../lib/interrupts/timers.js'
import { lossOf } from '../lib/wire/lost.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'
import { memberName, type RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'irq-off',
  summary: 'periods in which a CPU took no interrupt',
  operands: '[file...]',
  own: 0,
  options: {
    than: {
      type: 'string',
      value: 'duration',
      default: '10ms',
      coerce: parseDuration,
      describe: 'only periods that were longer, at the least',
    },
    tick: {
      type: 'string',
      value: 'duration',
      default: '10ms',
      coerce: parseDuration,
      describe: 'the longest time between two ticks of a busy CPU, 1/HZ; `0ns`: ticks tell nothing (nohz_full)',
    },
    host: { type: 'string', default: 'host', describe: 'the src that is the host of the others' },
    json: { type: 'boolean', default: false, describe: 'write `irq_off` records instead of a table' },
  },
  examples: ['order host.ndjson guest.ndjson | irq-off --than 5ms', 'irq-off --tick 4ms --json guest.ndjson'],
} as const satisfies Spec

const nextPid = memberName('next_pid')

export default filter(spec, (options, context) => {
  const { than, tick, json } = options
  const clock = epoch()
  const kinds = kindsOf()
  const hrtimers = timers()
  const host = idOf(options.host)
  let output: Out
  let headed = false
  let backwards = 0

  const off = offPeriods({
    host,
    than,
    tick,
    found(period) {
      if (json) {
        output.write(JSON.stringify(offRecord(period, clock.start)))
        return
      }
      if (!headed) context.print(offHead)
      headed = true
      context.print(offLine(period, clock.start))
    },
  })
  const onHost = hostEvents(off)

  /** The task that an interrupt came in. */
  let current: RecordView
  const inTask: Current = {
    get pid() {
      return current.pid
    },
    comm: () => current.comm,
  }

  function onCpu(cpu: QuietCpu, record: RecordView, at: number): void {
    const kind = kinds(words[record.row + EVENT] as number)
    cpu.seen(at, record.has(HAS_PID) ? (words[record.row + PID] as number) : undefined)
    current = record
    if (kind === 'timer') cpu.tick(at, off.on(cpu, at, true, inTask))
    else if (kind === 'interrupt') off.on(cpu, at, true, inTask)
    else if (kind === 'hrtimer_expire_entry') off.expired(cpu, at, hrtimers.expired(record, at), inTask)
    else if (kind === 'switch' || isOn(record.flags)) off.on(cpu, at, false, inTask)
    if (kind === 'switch') cpu.switched(at, Number(record.arg(nextPid)))
    if (kind === 'hrtimer_start' && !hrtimers.start(record, at)) throw new BadRecord(`${record.event} has no expires`)
  }

  return {
    event(record, out) {
      output = out
      if (!record.has(HAS_TS)) throw new BadRecord(`${record.event} has no time in ns; tsc-align makes them`)
      const at = clock.of(record.row)
      const src = words[record.row + SRC] as number
      if (
        src === host &&
        onHost(record, kinds(words[record.row + EVENT] as number), at, words[record.row + VM] as number)
      )
        return
      const cpu = record.has(HAS_CPU) ? off.cpu(src, record.cpu as number, words[record.row + VM] !== 0) : null
      if (cpu === null) return
      if (at < cpu.last) backwards++
      else onCpu(cpu, record, at)
    },
    record(record, out) {
      output = out
      if (record.type === 'lost') {
        const { src, cpu, to } = lossOf(record)
        off.lostGuest(src, cpu)
        if (src === 0 || src === host) off.lostHost(to === undefined ? Number.POSITIVE_INFINITY : clock.since(to))
      }
      if (json) out.pass(record)
    },
    end(out) {
      output = out
      off.end()
      const counts = off.counts()
      if (off.vcpus.ambiguous)
        context.problem(
          'two guests have a vCPU of the same number: the host proves nothing until key-map --vm tells them apart',
        )
      if (off.beyond > 0) context.problem(`${off.beyond} events are of more CPUs than a machine has: left out`)
      if (backwards > 0)
        context.problem(
          `${backwards} events are older than the one before them on their CPU and left out; put order before irq-off`,
        )
      return { line: offAccount(counts, than), counts: json ? { than_ns: than, ...counts } : undefined }
    },
  }
})

/** Five or more signs, the first of which says of interrupts: `.` on, `b` on and softirqs off. */
function isOn(flags: string | undefined): boolean {
  return flags !== undefined && flags.length >= 4 && (flags[0] === '.' || flags[0] === 'b')
}
