/** The `stream` record: who saw what follows, and in which unit its times are. */
import { nameOf } from '../wire/names.js'

declare const VERSION: string

export interface StreamHeads {
  /** An event: the record stands before the first of each src and unit. */
  before(src: number, cycles: boolean): void
  /** The text says of itself that a stream begins, and what it knows of it; the unit may be left to the first event. */
  told(src: number, cycles: boolean | undefined, members: Record<string, unknown>): void
}

export function streamHeads(write: (line: string) => void): StreamHeads {
  const seen = new Set<number>()
  let last = -1
  let known: Record<string, unknown> = {}

  function head(src: number, cycles: boolean, members: Record<string, unknown>): void {
    const unit = cycles ? 'tsc' : 'ns'
    write(JSON.stringify({ type: 'stream', version: 1, src: nameOf(src), ...members, unit, tool: `parse ${VERSION}` }))
  }

  return {
    before(src, cycles) {
      const stream = src * 2 + (cycles ? 1 : 0)
      if (stream === last) return
      last = stream
      if (seen.has(stream)) return
      seen.add(stream)
      head(src, cycles, known)
    },
    told(src, cycles, members) {
      seen.clear()
      last = -1
      known = members
      if (cycles === undefined) return
      seen.add(src * 2 + (cycles ? 1 : 0))
      head(src, cycles, members)
    },
  }
}
