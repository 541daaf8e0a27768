/**
 * Queues: stages where nothing passes but what the path follows, in the order in which it came (policy queue).
 *
 * A path is in the line of a queue from the stage on that put it there, its mouth, until it has passed the queue: of
 * one with links the mouth is the stage that gave them; of one without, the nearest stage before it that is a queue
 * or has links itself. An event of the queue is for the first of the line, or for the one with its number. It is in
 * order when that one waits there and nobody stands before it. Else somebody missed an event, or was lost on the
 * way, and others may have taken what was not theirs: all in the line are in doubt, and those that join it before
 * it was empty once. They are followed, for their events must not be taken for those of others, but have no record.
 *
 * Example: 1, 2 and 3 are sent, 1 is dropped, and packets have a number at the very end only. 1 takes the arrival of
 * 2. Then comes number 2, while 1 is before it in the line: 1 is out, 2 in doubt. 3 sets out when the line is empty,
 * and its arrival is its own.
 */
import { keyOfPath } from './link-key.js'
import type { OpenPath } from './open-path.js'
import { linkNames, type Stage } from './path.js'
import { type Waiting, waiting } from './waiting.js'

export interface Queues {
  /** A path has come from one stage (-1: none) to another. */
  came(of: OpenPath, from: number, to: number): void
  /** It is over. */
  left(of: OpenPath): void
  /** The path that an event of this queue is for. `overtaken`: those before it, which are not under way any more. */
  turn(stage: number, key: string): { of: OpenPath; overtaken: OpenPath[] } | undefined
  /**
   * The only path in the line, where it waits at the queue and its only link is the number that the first stage
   * gave it: an event with a number that nobody has must be its own.
   */
  alone(stage: number): OpenPath | undefined
}

interface Line {
  stage: number
  mouth: number
  paths: Waiting
  /** Not empty since something was out of order. */
  doubtful: boolean
}

/** Of a path that lacks the number which it should have. */
const NO_NUMBER = ''

export function queues(stages: readonly Stage[]): Queues {
  const names = linkNames(stages)
  const lines = stages.flatMap(({ policy }, stage): Line[] =>
    policy === 'queue' ? [{ stage, mouth: mouthOf(stages, stage), paths: lineAt(stage), doubtful: false }] : [],
  )

  function lineAt(stage: number): Waiting {
    return waiting(stages.length + stage, true)
  }

  function join(line: Line, of: OpenPath): void {
    if (line.paths.size === 0) line.doubtful = false
    if (line.doubtful) of.doubt ??= line.stage
    line.paths.add(keyOfPath(of, stages[line.stage] as Stage, names, 0) ?? NO_NUMBER, of)
  }

  function lineOf(stage: number): Line {
    return lines.find((one) => one.stage === stage) as Line
  }

  return {
    came(of, from, to) {
      for (const line of lines) {
        if (to >= line.stage) line.paths.remove(of)
        else if (from < line.mouth && line.mouth <= to) join(line, of)
      }
    },
    left(of) {
      for (const { paths } of lines) paths.remove(of)
    },
    turn(stage, key) {
      const line = lineOf(stage)
      const [of] = line.paths.of(key)
      // what had set out before the recording began passes an empty line
      const inOrder = of ? of.keys[stage] !== undefined && first(line.paths) === of : line.paths.size === 0
      if (!inOrder) doubt(line)
      return of && { of, overtaken: inOrder ? [] : before(line.paths, of) }
    },
    alone(stage) {
      const { paths } = lineOf(stage)
      const of = paths.size === 1 && isNumbered(stages, stage) ? first(paths) : undefined
      return of?.keys[stage] === undefined ? undefined : of
    },
  }
}

function doubt(line: Line): void {
  line.doubtful = true
  for (const of of line.paths.all()) of.doubt ??= line.stage
}

function first(paths: Waiting): OpenPath | undefined {
  for (const of of paths.all()) return of
  return undefined
}

function before(paths: Waiting, of: OpenPath): OpenPath[] {
  const all = [...paths.all()]
  return all.slice(0, all.indexOf(of))
}

function mouthOf(stages: readonly Stage[], at: number): number {
  const own = new Set((stages[at] as Stage).in.map(({ name }) => name))
  for (let i = at - 1; i > 0; i--) {
    const { optional, policy, in: links, out } = stages[i] as Stage
    if (optional) continue
    if (own.size > 0 ? out.some(({ name }) => own.has(name)) : policy === 'queue' || links.length > 0) return i
  }
  return 0
}

/** Its only link is the number that the first stage gives. */
function isNumbered(stages: readonly Stage[], at: number): boolean {
  const [link, another] = (stages[at] as Stage).in
  const given = stages[0]?.out.find(({ name }) => name === link?.name)
  return another === undefined && given !== undefined && /\bnth\b/.test(given.expression)
}
