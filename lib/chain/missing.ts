/**
 * Missing events: which waiting paths a loss makes unsafe. A missing event of a machine could have brought on a path
 * that waits for one of this machine, or have begun another one in its place.
 */
import { idOf } from '../wire/names.js'
import type { Stage } from './path.js'

/** Where a path stands: at a stage, which an event of this src (interned) brought it to, and what it waits for. */
export interface Place {
  at: number
  src: number
  next: readonly number[]
}

export interface Missing {
  /** An event of this stage came from this src. */
  saw(stage: number, src: number): void
  /** Events of this src are missing until then; 0: nobody knows whose. */
  add(src: number, until: bigint): void
  /** Any loss that may not be over? */
  readonly any: boolean
  /** Is a path that begins to wait now inside of a loss that concerns it? */
  spoils(now: bigint, place: Place): boolean
  /** Does a loss in this src concern it? */
  concerns(src: number, place: Place): boolean
}

export function missing(stages: readonly Stage[]): Missing {
  const sources = stages.map(({ whose }) => new Set(typeof whose === 'object' ? [idOf(whose.src)] : []))
  /** The end of the last loss of each src. */
  const losses = new Map<number, bigint>()

  function concerns(src: number, { at, src: own, next }: Place): boolean {
    if (src === 0 || src === own) return true
    // an event of another machine neither brings a path on whose next stages are of its own, nor replaces it
    const others = next.filter((stage) => stages[stage]?.whose !== 'same')
    if (others.length === 0) return false
    // of a stage that never came nobody knows whose it will be
    return [at, ...others].some((stage) => {
      const known = sources[stage] as Set<number>
      return known.size === 0 || known.has(src)
    })
  }

  return {
    concerns,
    get any() {
      return losses.size > 0
    },
    saw(stage, src) {
      sources[stage]?.add(src)
    },
    add(src, until) {
      const known = losses.get(src)
      if (known === undefined || known < until) losses.set(src, until)
    },
    spoils(now, place) {
      for (const [src, until] of losses) {
        if (now > until) losses.delete(src)
        // what comes on the machine of the loss when it ends is behind it; of another one that is not known
        else if (now === until && (src === 0 || src === place.src)) continue
        else if (concerns(src, place)) return true
      }
      return false
    },
  }
}
