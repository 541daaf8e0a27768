/** A source whose beginning has been looked at. */
import { allocate, bytes, release } from './memory.js'
import { PIPE_READ, type Source } from './source.js'

/** How much of an input is looked at. */
const LOOK = PIPE_READ

export interface Peeked<T> {
  /** The whole source, its beginning included. */
  source: Source
  found: T | undefined
  /** Nothing was there. */
  empty: boolean
}

/** Reads until `decide` knows from the whole lines so far (Latin-1), or there is no more, or enough was seen. */
export async function peek<T>(
  source: Source,
  decide: (text: string, ended: boolean) => T | undefined,
): Promise<Peeked<T>> {
  const room = allocate(2 * LOOK)
  let have = 0
  let found: T | undefined
  try {
    while (found === undefined && have < LOOK) {
      const n = await source.read(room + have, LOOK)
      have += n
      const ended = n === 0 || have >= LOOK
      const whole = ended ? have : bytes.subarray(room, room + have).lastIndexOf(10) + 1
      found = decide(bytes.toString('latin1', room, room + whole), ended)
      if (n === 0) break
    }
    return { source: again(source, Buffer.from(bytes.subarray(room, room + have))), found, empty: have === 0 }
  } finally {
    release(room, 2 * LOOK)
  }
}

/** The source with what was read of it put back. */
function again(source: Source, first: Buffer): Source {
  let at = 0
  return {
    name: source.name,
    live: source.live,
    read(to, max) {
      if (at === first.length) return source.read(to, max)
      const n = Math.min(max, first.length - at)
      first.copy(bytes, to, at, at + n)
      at += n
      return n
    },
    stop: () => source.stop(),
    close: () => source.close(),
    meter: source.meter,
  }
}
