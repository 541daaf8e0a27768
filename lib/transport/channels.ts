/** The channels of an inlet, one after another: waiting for each, with growing pauses, until it is over. */
import type { Context } from '../cli/tool.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { backOff } from './connection.js'
import type { Inlet } from './inlet.js'
import { stopSign } from './stop-sign.js'

/** A source that an interruption ends as its end does. */
export interface Watched extends Source {
  /** What it ended with. */
  readonly error: Error | undefined
}

export interface Channels {
  /** The next one; null when there is none any more. */
  next(): Promise<Watched | null>
  /** May there be another one? */
  again(): boolean
  readonly stopped: boolean
  /** How often it was taken up again. */
  readonly reconnects: number
}

/** Not there now, and may come. */
const PASSING = new Set(
  'ECONNREFUSED ECONNRESET ENOENT ETIMEDOUT EHOSTUNREACH ENETUNREACH EAI_AGAIN EBUSY ENXIO ENODEV EPIPE'.split(' '),
)

export function channels(
  inlet: Inlet,
  { retry, pause: first }: { retry: boolean; pause: number },
  context: Context,
): Channels {
  const { name, lasting } = inlet
  const pause = backOff(first)
  let opened = 0
  let said = false
  let current: Watched | null = null
  const stop = stopSign()
  context.onStop(() => {
    stop.give()
    current?.stop()
  })

  /** Ends early when it is stopped. */
  async function rest(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await stop.or(
      new Promise((resolve) => {
        timer = setTimeout(resolve, ms)
      }),
    )
    clearTimeout(timer)
  }

  /** Says why it cannot be opened; answers whether it is to be tried again. */
  function refused(error: NodeJS.ErrnoException): boolean {
    if (!error.code) throw error
    const reason = lasting && error.code === 'ENOENT' ? 'not there' : systemMessage(error)
    if (!lasting || !retry || !PASSING.has(error.code)) {
      context.problem(`${name}: ${reason}`)
      return false
    }
    if (!said) context.warn(`${name}: ${reason}; waiting`)
    said = true
    return true
  }

  async function open(): Promise<Source | null> {
    while (!stop.given) {
      try {
        const opening = inlet.open()
        const source = await stop.or(opening)
        if (source) return source
        opening.then(
          (late) => late.close(),
          () => {},
        )
      } catch (error) {
        if (!refused(error as NodeJS.ErrnoException)) return null
        await rest(pause.next())
      }
    }
    return null
  }

  return {
    get stopped() {
      return stop.given
    },
    get reconnects() {
      return Math.max(0, opened - 1)
    },
    again: () => lasting && retry && !stop.given,
    async next() {
      // who is cut off at once each time is not asked again at once
      if (opened > 0) await rest(pause.next())
      const source = await open()
      if (!source) return null
      opened++
      current = watched(source, () => {
        said = false
        pause.reset()
      })
      return current
    },
  }
}

/** `came`: bytes arrive. */
function watched(source: Source, came: () => void): Watched {
  let failure: Error | undefined
  let ended = false
  let closed = false
  return {
    name: source.name,
    live: source.live,
    get error() {
      return failure
    },
    async read(to, max) {
      if (ended) return 0
      try {
        const n = await source.read(to, max)
        if (n > 0) came()
        else ended = true
        return n
      } catch (error) {
        if (!(error as NodeJS.ErrnoException).code) throw error
        failure = error as Error
        ended = true
        return 0
      }
    },
    stop: () => source.stop(),
    close() {
      if (!closed) source.close()
      closed = true
      ended = true
    },
  }
}
