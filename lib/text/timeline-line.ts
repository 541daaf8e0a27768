/**
 * One line of a timeline, as systemtap scripts print them and people write them down: a time since some beginning,
 * and what happened then.
 *
 *     1m37.267113s cpu15上的pmd8进程(即OVS的pmd进程)调用eventfd_write, 进而调用irqfd_wakeup
 *     1m37.267211s pmd8 wakes kworker/15:1, target CPU 15
 *
 * Each script has words of its own. Three sentences are understood, in Chinese and English: who calls a function,
 * wakes a thread, switches to a thread. They are what the kernel's own events would be of it, as far as the
 * sentence tells: names of threads and no pids. What was said besides stays text, as does any other sentence.
 */

export interface TimelineEvent {
  /** Nanoseconds. */
  ts: string
  event: 'function' | 'sched_waking' | 'sched_switch' | 'print'
  cpu?: number | undefined
  comm?: string | undefined
  args?: Record<string, string | number> | undefined
  text: string
}

const STAMP = /^\s*(?:(?:(\d{1,9})h)?(\d{1,9})m)?(\d{1,9})(?:\.(\d{1,9}))?s(?:\s+(.*))?$/s

/** A name in quotes or without blanks; what kind of thing it is; a remark. */
const thing = (name: string) =>
  `(?:"(?<${name}Quoted>[^"]+)"|(?<${name}>[^\\s"(),，;；（）]+?))(?: ?(?:进程|线程))?(?: ?[(（][^)）]*[)）])?`

const PLACE = '(?:(?:在|on ) ?cpu ?(?<place>\\d+)(?:上)?[,，:]? *)?(?:cpu ?(?<cpu>\\d+)上的 ?)?'
const VERB =
  '(?:(?<calls> *调用| calls)|(?<wakes> *唤醒| wakes(?: up)?)|(?<switches> *切换(?:回到|回|到)| switches (?:back )?to))'
const SENTENCE = new RegExp(
  `^${PLACE}${thing('subject')}(?: on cpu ?(?<at>\\d+))?${VERB}(?: *${thing('object')}(?<end>[.。]?(?:$|[\\s,，;；].*$)))?`,
  'isu',
)
const TARGET = /(?:目标 ?CPU(?: ?[是为:])?|target CPU(?: is)?) ?(\d+)/i

/** A string says why the line is none. */
export function timelineLine(line: string): TimelineEvent | string {
  const [, hours = '0', minutes, seconds, fraction = '', said = ''] = STAMP.exec(line) ?? []
  if (seconds === undefined) return 'no time at its beginning, as 1m37.267113s (the line may be cut)'
  if (minutes !== undefined && Number(seconds) > 59) return 'a minute has 60 seconds'
  const text = said.trim()
  if (text === '') return 'a time at which nothing is said (the line may be cut)'
  const whole = (BigInt(hours) * 60n + BigInt(minutes ?? 0)) * 60n + BigInt(seconds)
  const ts = whole * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  if (ts >= 1n << 63n) return 'a time beyond 292 years'
  const told = sentence(text)
  return typeof told === 'string' ? told : { ts: String(ts), ...told, text }
}

function sentence(text: string): Omit<TimelineEvent, 'ts' | 'text'> | string {
  const found = SENTENCE.exec(text)
  if (!found?.groups) return { event: 'print' }
  const { groups: of } = found
  const comm = of.subjectQuoted ?? of.subject
  const object = of.objectQuoted ?? of.object
  if (object === undefined) {
    const cut = found[0].length === text.length
    return cut ? `${verbOf(of)} nothing (the line may be cut)` : { event: 'print' }
  }
  const cpu = cpuOf(of.place ?? of.cpu ?? of.at)
  if (of.calls) return { event: 'function', cpu, comm, args: { ip: object } }
  if (of.switches) return { event: 'sched_switch', cpu, comm, args: { prev_comm: comm as string, next_comm: object } }
  const target = cpuOf(TARGET.exec(of.end ?? '')?.[1])
  return {
    event: 'sched_waking',
    cpu,
    comm,
    args: { comm: object, ...(target !== undefined && { target_cpu: target }) },
  }
}

function verbOf({ calls, wakes }: Record<string, string | undefined>): string {
  if (calls) return 'calls'
  return wakes ? 'wakes' : 'switches to'
}

/** As wide as the wire format has it. */
function cpuOf(digits: string | undefined): number | undefined {
  return digits === undefined || Number(digits) > 0xffff ? undefined : Number(digits)
}
