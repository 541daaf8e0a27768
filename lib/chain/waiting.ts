/**
 * Paths that wait for something: by key, and the oldest first. The key is kept in the path, at a place of its own for
 * each thing to wait for. Maps and sets keep the order of insertion.
 */
import type { OpenPath } from './open-path.js'

export interface Waiting {
  readonly size: number
  add(key: string, path: OpenPath): void
  /** No matter where it does not wait here. */
  remove(path: OpenPath): void
  /** Those of a key, the oldest first. */
  of(key: string): readonly OpenPath[]
  /** All of them, the oldest first. */
  all(): Iterable<OpenPath>
}

const NOBODY: readonly OpenPath[] = []

/** `place`: of the key in the path. `inOrder`: all() will be asked. */
export function waiting(place: number, inOrder: boolean): Waiting {
  /** Mostly there is one of a key. */
  const byKey = new Map<string, OpenPath | OpenPath[]>()
  const order = new Set<OpenPath>()
  let size = 0
  return {
    get size() {
      return size
    },
    add(key, path) {
      path.keys[place] = key
      size++
      if (inOrder) order.add(path)
      const same = byKey.get(key)
      if (same === undefined) byKey.set(key, path)
      else if (Array.isArray(same)) same.push(path)
      else byKey.set(key, [same, path])
    },
    remove(path) {
      const key = path.keys[place]
      if (key === undefined) return
      path.keys[place] = undefined
      size--
      if (inOrder) order.delete(path)
      const same = byKey.get(key)
      if (!Array.isArray(same) || same.length === 1) byKey.delete(key)
      else same.splice(same.indexOf(path), 1)
    },
    of(key) {
      const same = byKey.get(key)
      if (same === undefined) return NOBODY
      return Array.isArray(same) ? same : [same]
    },
    all: () => order,
  }
}
