/**
 * Paths that wait at one stage: by key, and in the order in which they came to it, so that the one that has
 * waited longest is found at once. Sets keep the order of insertion.
 */
import type { OpenPath } from './open-path.js'

export interface Waiting {
  readonly size: number
  add(key: string, path: OpenPath): void
  remove(key: string, path: OpenPath): void
  /** Those of a key, the oldest first. */
  of(key: string): ReadonlySet<OpenPath> | undefined
  /** All of them, the oldest first. */
  all(): IterableIterator<OpenPath>
}

export function waiting(): Waiting {
  const byKey = new Map<string, Set<OpenPath>>()
  const inOrder = new Set<OpenPath>()
  return {
    get size() {
      return inOrder.size
    },
    add(key, path) {
      inOrder.add(path)
      const same = byKey.get(key)
      if (same) same.add(path)
      else byKey.set(key, new Set([path]))
    },
    remove(key, path) {
      if (!inOrder.delete(path)) return
      const same = byKey.get(key)
      same?.delete(path)
      if (same?.size === 0) byKey.delete(key)
    },
    of: (key) => byKey.get(key),
    all: () => inOrder.values(),
  }
}
