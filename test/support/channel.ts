/** A sender's stream, cut and delivered as a channel may do it, and what pull makes of it. */
import type { Context } from '../../lib/cli/tool.js'
import type { Inlet } from '../../lib/transport/inlet.js'
import { type Pulled, pull } from '../../lib/transport/pull.js'
import { bytes } from '../../lib/wire/memory.js'
import { link, type Out } from '../../lib/wire/output.js'
import type { Source } from '../../lib/wire/source.js'

export interface Received {
  lines: string[]
  said: string[]
  pulled: Pulled
}

let collected: string[] = []
let shared: Out | null = null

/** One for all runs: a link takes memory for good. */
function collector(): Out {
  shared ??= link(
    (record) => collected.push(record.line),
    () => {},
  )
  return shared
}

/**
 * Pulls from a channel that is interrupted between the parts. `holdMs` is generous where a count comes: only parts
 * that end decide.
 */
export async function pullParts(
  parts: Buffer[],
  pieces: number[],
  { holdMs = 60_000, follow = false } = {},
): Promise<Received> {
  const said: string[] = []
  const stops: (() => void)[] = []
  const context: Context = {
    warn: (message) => said.push(message),
    problem: (message) => said.push(message),
    bad: (where, message) => said.push(`${where}: ${message}`),
    onSignal() {},
    onStop: (stop) => {
      stops.push(stop)
    },
    print() {},
    files: [],
    operands: [],
  }
  const lines: string[] = []
  collected = lines
  let next = 0
  const inlet: Inlet = {
    name: 'channel',
    lasting: true,
    async open() {
      const part = parts[next++]
      if (part) return partSource(part, pieces)
      // the sender never comes again: ^C
      for (const stop of stops) stop()
      throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
    },
  }
  const options = { src: 'guest', retry: true, follow, hold: { bytes: 1 << 20, ms: holdMs }, pause: 0 }
  const pulled = await pull(inlet, options, context, collector())
  return { lines, said, pulled }
}

function partSource(part: Buffer, pieces: number[]): Source {
  let at = 0
  let turn = 0
  return {
    name: 'channel',
    live: true,
    async read(to, max) {
      const n = Math.min(max, pieces[turn++ % pieces.length] as number, part.length - at)
      part.copy(bytes, to, at, at + n)
      at += n
      return n
    },
    stop() {},
    close() {},
  }
}
