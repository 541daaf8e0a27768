/**
 * Coverage: which ways branches went, and in which order of magnitude how often (1, 2, 3, 4-7, 8-15, 16-31, 32-127,
 * more: as AFL has it). Where the bundle was not instrumented there is none, and no input ever shows anything new.
 */
import { bytes } from '../../lib/wire/memory.js'

declare global {
  var edges: Uint8Array | undefined
}

const MAP = 1 << 16

export interface Coverage {
  /** Forgets what the last input did. */
  begin(): void
  /** What the last input did: counter and magnitude, each as one number. */
  features(): number[]
  /** Takes note of it. Answers whether any of it had not been seen before. */
  learn(): boolean
  readonly size: number
}

const magnitude = Uint8Array.from({ length: 256 }, (_, n) =>
  n < 4 ? n : n < 8 ? 4 : n < 16 ? 5 : n < 32 ? 6 : n < 128 ? 7 : 8,
)

export function coverage(): Coverage {
  const script = globalThis.edges
  const maps = script ? [bytes.subarray(bytes.length - MAP), script] : []
  const wide = maps.map((map) => new BigUint64Array(map.buffer, map.byteOffset, map.length / 8))
  const seen = new Set<number>()

  function features(): number[] {
    const found: number[] = []
    wide.forEach((eights, which) => {
      const map = maps[which] as Uint8Array
      for (let i = 0; i < eights.length; i++) {
        if (eights[i] === 0n) continue
        for (let at = 8 * i; at < 8 * i + 8; at++)
          if (map[at] !== 0) found.push((which * MAP + at) * 16 + (magnitude[map[at] as number] as number))
      }
    })
    return found
  }

  return {
    features,
    get size() {
      return seen.size
    },
    begin() {
      for (const map of maps) map.fill(0)
    },
    learn() {
      const before = seen.size
      for (const feature of features()) seen.add(feature)
      return seen.size > before
    },
  }
}
