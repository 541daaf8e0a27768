/**
 * A CPU that takes no interrupt, from its own events: how long, and what was due in the meantime.
 *
 *     interrupts known on        the tick or a timer was due      first interrupt taken
 *            |------------------------------|##########################|
 *            from                          due                         to
 *
 * Interrupts went off somewhere between `from` and `due`; or the CPU did not run. Where nothing was due it is only quiet.
 *
 * A tick is due on a CPU that is busy: at most one tick's length after the last one, or after the CPU left idle. An idle
 * CPU stops its tick (NO_HZ_IDLE, kernel/time/tick-sched.c). Which it is only sched_switch tells: without it no tick is due.
 *
 * Who captures leaves out its own threads' events, their ticks and the switches from them too. That shows when an event
 * comes in another task than the last switch was to: what was known of the CPU before is then nothing to judge by.
 */
import type { Expiry } from './timers.js'

export interface Evidence {
  kind: 'tick' | 'hrtimer'
  due: number
  function?: string
  late: number
}

export interface Stretch {
  from: number
  to: number
  evidence: Evidence[]
  /** Events may be missing in it. */
  uncertain: boolean
  /** Who was current when the interrupt came. */
  pid: number | undefined
  comm: string | undefined
}

export interface QuietCpu {
  readonly src: number
  readonly cpu: number
  /** The time of its last event. */
  readonly last: number
  /** Any event at all comes first: in which task, where known. */
  seen(at: number, pid: number | undefined): void
  /** An event that shows interrupts on. Answers the stretch before it where that is longer than `than`. */
  on(at: number, current: { pid: number | undefined; comm(): string | undefined }): Stretch | null
  /** The timer's interrupt: the tick was due in this stretch, perhaps. */
  tick(at: number, stretch: Stretch | null): void
  /** A timer that ran in the interrupt which ended this stretch. */
  expired(stretch: Stretch, expiry: Expiry): void
  /** From here on (`sched_switch`) this task is current. */
  switched(at: number, pid: number): void
  lost(): void
}

export function quietCpu(src: number, cpu: number, than: number, tickLength: number): QuietCpu {
  let last = Number.NEGATIVE_INFINITY
  let known = Number.NaN
  let busySince = Number.NaN
  let lastTick = Number.NaN
  let uncertain = false
  let current: number | undefined
  /** After a loss it is not known how the CPU came to be busy. */
  let settle = false
  /** What happened before is not known whole. */
  let blind = Number.NEGATIVE_INFINITY

  return {
    src,
    cpu,
    get last() {
      return last
    },
    seen(at, pid) {
      last = at
      if (settle) busySince = known
      settle = false
      if (pid === undefined) return
      if (current !== undefined && pid !== current) {
        blind = at
        busySince = at
      }
      if (pid === 0) busySince = Number.NaN
      current = pid
    },
    on(at, { pid, comm }) {
      const silent = at - known
      const from = known
      const doubtful = uncertain
      known = at
      uncertain = false
      if (doubtful) blind = at
      settle = doubtful
      if (!(silent > than)) return null
      return { from, to: at, evidence: [], uncertain: doubtful, pid, comm: comm() }
    },
    tick(at, stretch) {
      const due = Math.max(busySince, lastTick) + tickLength
      // NaN: was idle, or never ticked yet
      if (stretch && tickLength > 0 && due < at) stretch.evidence.push({ kind: 'tick', due, late: at - due })
      lastTick = at
    },
    expired({ uncertain: doubtful, evidence, to }, { function: name, late, due, started }) {
      if (due < to && (started >= blind || doubtful)) evidence.push({ kind: 'hrtimer', function: name, due, late })
    },
    switched(at, pid) {
      current = pid
      if (pid === 0) busySince = Number.NaN
      else if (Number.isNaN(busySince)) busySince = at
    },
    lost() {
      uncertain = true
    },
  }
}

/** From when on interrupts were off, at the latest; the stretch's end where nothing was due. */
export function dueOf({ evidence, from, to }: Stretch): number {
  return Math.max(from, Math.min(to, ...evidence.map(({ due }) => due)))
}
