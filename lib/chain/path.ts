/**
 * A path: stages in the order of cause and effect, each an event, and the links between them.
 *
 * A link is a named value that one stage gives (`out`) and a later one must have (`in`): the pid that
 * `sched_waking` woke and that `sched_switch` switches to, the address of a packet's buffer. A stage without
 * a link takes the next event that fits. What is `optional` may be absent: the path goes on without it.
 *
 *     irqfd_inject[pid]  [pid]sched_waking[args.pid]  [args.next_pid]sched_switch
 *
 * is three stages and two links, `pid` of the first stage = `pid` of the second, its `args.pid` = `args.next_pid`.
 */

/**
 * What becomes of two paths that wait at a stage with the same key: the newer replaces the older, is left out,
 * waits behind it, or both go on with the same next event (one interrupt for two packets).
 */
export const hopPolicies = ['last', 'first', 'fifo', 'next'] as const
/**
 * A queue is a promise of the path's author: here nothing passes but what the path follows, and nobody overtakes.
 * So an event of it tells on those that it is not for (queues.ts).
 */
export const policies = [...hopPolicies, 'queue'] as const
export type Policy = (typeof policies)[number]

export interface Link {
  name: string
  /** In lib/expression's language. */
  expression: string
}

export interface EventPattern {
  /** `system:name` or `name`, alternatives with commas; a bare name is also that of a traced function. */
  event: string
  where: string | undefined
}

/** Whose event: one machine's, that of the stage before, or anybody's. */
export type Whose = { src: string } | 'same' | 'any'

export interface Stage extends EventPattern {
  name: string
  whose: Whose
  in: Link[]
  out: Link[]
  policy: Policy
  optional: boolean
  /** ns since the stage before; later than this is not the effect of it. */
  within: number | undefined
  /** An event that says that this stage will not come any more. */
  until: EventPattern | undefined
}

export interface Path {
  name: string
  stages: Stage[]
  /** Names that stand for a value in the expressions. */
  lets: Map<string, string>
}

const EVENT_NAMES = /^[^\s,:[\]]+(:[^\s,:[\]]+)?(,[^\s,:[\]]+(:[^\s,:[\]]+)?)*$/

export function isEvent(text: string): boolean {
  return EVENT_NAMES.test(text)
}

/** Throws an Error where a path cannot be followed. */
export function checkPath({ stages }: Path): void {
  if (stages.length < 2) throw new Error('a path has two stages at least')
  if (stages[0]?.optional) throw new Error(`the first stage, ${stages[0].name}, cannot be optional`)
  const sure = new Set<string>()
  const perhaps = new Set<string>()
  const names = new Set<string>()
  for (const stage of stages) {
    if (names.has(stage.name)) throw new Error(`two stages are called ${stage.name}`)
    names.add(stage.name)
    if (stage.policy === 'queue') checkQueue(stage, perhaps)
    for (const { name } of stage.in)
      if (!sure.has(name) && !(stage.optional && perhaps.has(name)))
        throw new Error(`${stage.name}: no stage before it that is always there gives ${name}`)
    for (const { name } of stage.out) (stage.optional ? perhaps : sure).add(name)
  }
}

function checkQueue({ name, optional, whose, in: links }: Stage, perhaps: ReadonlySet<string>): void {
  if (optional) throw new Error(`${name}: a queue cannot be optional`)
  if (typeof whose !== 'object') throw new Error(`${name}: a queue is of one machine: src NAME is missing`)
  for (const link of links)
    if (perhaps.has(link.name))
      throw new Error(`${name}: an optional stage before it gives ${link.name}, which a queue cannot take`)
}

/** The stages that may come after this one: the optional ones, and the first that is not. */
export function nextStages(stages: readonly Stage[], at: number): number[] {
  const next: number[] = []
  for (let i = at + 1; i < stages.length; i++) {
    next.push(i)
    if (!(stages[i] as Stage).optional) break
  }
  return next
}

/** Each link's name once, in the order in which the stages give them. */
export function linkNames(stages: readonly Stage[]): string[] {
  return [...new Set(stages.flatMap((stage) => stage.out.map(({ name }) => name)))]
}
