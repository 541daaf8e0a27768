/** The stream of a capture into a target, in the same process: what `capture-guest | push` would be. */
import { type Context, Failure, type Summary } from '../cli/tool.js'
import { TransportError } from '../transport/failure.js'
import { type PushOptions, push } from '../transport/push.js'
import { parseTarget } from '../transport/target.js'
import { link } from '../wire/output.js'
import type { Taker } from './tool.js'

export interface Pushing extends Taker {
  /** Sends what is left; what became of the lines is added to the capture's summary. */
  close(summary: Summary): Promise<Summary>
}

/** As push(1) has them; `interval` in ms. */
export type PushingOptions = Pick<PushOptions, 'interval' | 'wait' | 'tool'>

/** A client of a broadcast that is slow may have so much waiting for it. */
const QUEUE = 4 << 20

/** Throws Failure, at once or from `ready` and `close`, when the target cannot take it. */
export function pushing(to: string, options: PushingOptions, context: Context): Pushing {
  const target = parseTarget(to)
  const out = push(target, {
    ...options,
    bound: QUEUE,
    failed: (error) => {
      throw failure(error)
    },
    say: context.warn,
  })
  context.onSignal(() => out.stop())
  return {
    // what is gathered goes out by the interval, not when the capture pauses
    out: link(out.take, () => {}),
    ready: () => out.ready()?.catch(rethrow),
    async close(summary) {
      const { lines, unsent, text } = await out.close().catch(rethrow)
      if (unsent > 0) context.problem(`${target.name}: ${unsent} of ${lines} lines were not sent`)
      return { line: `${summary.line}, ${lines} lines to ${target.name}${text}` }
    },
  }
}

function rethrow(error: unknown): never {
  throw failure(error)
}

function failure(error: unknown): unknown {
  return error instanceof TransportError ? new Failure(error.message) : error
}
