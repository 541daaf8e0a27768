/**
 * Where open paths wait: at the stages that may come next, under the key that the event must have.
 */
import { keyOfPath } from './link-key.js'
import { lastStamp, type OpenPath } from './open-path.js'
import { linkNames, nextStages, type Stage } from './path.js'
import { type Waiting, waiting } from './waiting.js'

export interface Stands {
  /** Those that wait at a stage. */
  readonly at: readonly Waiting[]
  /** The stages that may come after this one. */
  next(stage: number): readonly number[]
  /**
   * A path has come from one stage (-1: none) to another, and waits for what may come next; where it waited already
   * with the same links it keeps its place. Gives those that are replaced, which may be itself.
   */
  move(of: OpenPath, from: number): readonly OpenPath[]
  nowhere(of: OpenPath): boolean
  clear(of: OpenPath): void
  /** The stage without which it cannot go on, or the last one. */
  lacking(of: OpenPath): number
  /** All that may come is optional. */
  lacksNothing(of: OpenPath): boolean
}

const NONE: readonly OpenPath[] = []

export function stands(stages: readonly Stage[]): Stands {
  const names = linkNames(stages)
  const at = stages.map(({ within, until }, i) => waiting(i, within !== undefined || until !== undefined))
  const nexts = stages.map((_stage, i) => nextStages(stages, i))

  function next(stage: number): readonly number[] {
    return nexts[stage] ?? []
  }

  function waitAt(of: OpenPath, stage: number, src: number): readonly OpenPath[] {
    const definition = stages[stage] as Stage
    const table = at[stage] as Waiting
    const key = keyOfPath(of, definition, names, src)
    if (key === undefined || key === of.keys[stage]) return NONE
    table.remove(of)
    const others = definition.optional ? NONE : table.of(key)
    if (others.length > 0 && definition.policy === 'first') return [of]
    const replaced = definition.policy === 'last' ? [...others] : NONE
    table.add(key, of)
    return replaced
  }

  return {
    at,
    next,
    move(of, from) {
      const { src } = lastStamp(of)
      const wanted = next(of.at)
      for (const stage of next(from)) if (!wanted.includes(stage)) at[stage]?.remove(of)
      // only the last of them is not optional, and replaces
      let replaced = NONE
      for (const stage of wanted) replaced = waitAt(of, stage, src)
      return replaced
    },
    nowhere: (of) => next(of.at).every((stage) => of.keys[stage] === undefined),
    clear(of) {
      for (const table of at) table.remove(of)
    },
    lacking: (of) => next(of.at).at(-1) as number,
    lacksNothing: (of) => next(of.at).every((stage) => stages[stage]?.optional),
  }
}
