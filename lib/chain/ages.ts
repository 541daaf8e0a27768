/**
 * All open paths, the oldest first: a list through the paths themselves. A Set would do, but one whose oldest
 * members go while new ones come has to be searched past all the holes that they leave.
 */
import type { OpenPath } from './open-path.js'

export interface Ages extends Iterable<OpenPath> {
  readonly size: number
  readonly oldest: OpenPath | null
  add(path: OpenPath): void
  remove(path: OpenPath): void
}

export function ages(): Ages {
  let oldest: OpenPath | null = null
  let newest: OpenPath | null = null
  let size = 0
  return {
    get size() {
      return size
    },
    get oldest() {
      return oldest
    },
    add(path) {
      path.older = newest
      path.newer = null
      if (newest) newest.newer = path
      else oldest = path
      newest = path
      size++
    },
    remove({ older, newer }) {
      if (older) older.newer = newer
      else oldest = newer
      if (newer) newer.older = older
      else newest = older
      size--
    },
    /** The one that it gave may be removed meanwhile. */
    *[Symbol.iterator]() {
      for (let path = oldest; path; ) {
        const next: OpenPath | null = path.newer
        yield path
        path = next
      }
    },
  }
}
