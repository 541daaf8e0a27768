/**
 * Losses to be drawn: each as it was told, at most MOST. Beyond that those of one machine that are nearest become one,
 * so that no loss vanishes; where each CPU's was, is then no longer known.
 */
import type { Loss } from '../wire/lost.js'

const MOST = 500

export interface Losses {
  add(loss: Loss): void
  readonly list: readonly Loss[]
  /** How many were told. */
  readonly told: number
}

export function losses(): Losses {
  let list: Loss[] = []
  let told = 0
  return {
    get list() {
      return list
    },
    get told() {
      return told
    },
    add(loss) {
      told++
      list.push(loss)
      if (list.length >= 2 * MOST) list = fewer(list)
    },
  }
}

function fewer(list: readonly Loss[]): Loss[] {
  const sorted = list.toSorted((a, b) => a.src - b.src || order(at(a), at(b)))
  const distances = sorted.map((loss, i) => distance(sorted[i - 1], loss))
  const wide = distances.toSorted((a, b) => b - a)[MOST] as number
  const joined: Loss[] = []
  for (const [i, loss] of sorted.entries()) {
    const last = joined.at(-1)
    if (last && last.src === loss.src && (distances[i] as number) <= wide) joined[joined.length - 1] = both(last, loss)
    else joined.push(loss)
  }
  return joined
}

function at({ from, to }: Loss): bigint {
  return from ?? to ?? 0n
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function distance(before: Loss | undefined, loss: Loss): number {
  if (!before || before.src !== loss.src) return Number.POSITIVE_INFINITY
  return Number(at(loss) - (before.to ?? before.from ?? 0n))
}

function both(a: Loss, b: Loss): Loss {
  const to = a.to === undefined || b.to === undefined ? undefined : a.to > b.to ? a.to : b.to
  return {
    src: a.src,
    cpu: a.cpu === b.cpu ? a.cpu : undefined,
    count: a.count === undefined || b.count === undefined ? undefined : a.count + b.count,
    from: a.from === undefined || b.from === undefined ? undefined : a.from,
    to,
  }
}
