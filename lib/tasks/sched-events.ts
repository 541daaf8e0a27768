/**
 * What the scheduler's events say of threads (include/trace/events/sched.h): who left a CPU in which state and who came,
 * and who was woken. Text and binary recordings alike.
 */
import { matches } from '../pairing/hops.js'
import { nameOf } from '../wire/names.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'

/** `waking` begins a wake-up, `wakeup` ends it: now the thread waits for a CPU. */
export type Kind = 'switch' | 'waking' | 'wakeup' | 'new'

const kinds: Record<string, Kind> = {
  sched_switch: 'switch',
  sched_waking: 'waking',
  sched_wakeup: 'wakeup',
  sched_wakeup_new: 'new',
}

/** Of an interned event name; each is looked at once. */
export function kindsOfEvents(): (event: number) => Kind | null {
  const known: (Kind | null)[] = []
  return (event) => {
    const kind = known[event]
    if (kind !== undefined) return kind
    const name = Object.keys(kinds).find((candidate) => matches(candidate, nameOf(event)))
    const found = name === undefined ? null : (kinds[name] ?? null)
    known[event] = found
    return found
  }
}

export interface Task {
  pid: number
  comm: string
}

const prevState = memberName('prev_state')
const names = (before: string) => ({ pid: memberName(`${before}pid`), comm: memberName(`${before}comm`) })
const tasks = { prev: names('prev_'), next: names('next_'), woken: names('') }

/** Undefined where the event does not say who. */
export function taskOf(record: RecordView, who: keyof typeof tasks): Task | undefined {
  const pid = record.arg(tasks[who].pid)
  const comm = record.arg(tasks[who].comm)
  return typeof pid === 'number' ? { pid, comm: typeof comm === 'string' ? comm : '' } : undefined
}

/**
 * `prev_state` as a letter, R also where the thread was preempted (R+). The number has a bit a letter (TASK_REPORT in
 * include/linux/sched.h); what stands above them says preempted.
 */
export function stateLetter(record: RecordView): string | undefined {
  const state: Scalar | undefined = record.arg(prevState)
  if (state === undefined || state === null) return undefined
  const text = String(state)
  if (!/^\d+$/.test(text)) return /^[A-Za-z]/.exec(text)?.[0]
  const bits = Number(BigInt(text) & 0xffn)
  return bits === 0 ? 'R' : ('SDTtXZPI'[31 - Math.clz32(bits & -bits)] as string)
}
