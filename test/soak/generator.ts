/**
 * What a guest would send: numbered starts and ends of one thread, on CLOCK_MONOTONIC like the host's capture, and a
 * clock record each 250 ms. It goes to one sender after another; while there is none, or it takes no more, nothing is
 * made.
 */
import type { Writable } from 'node:stream'
import { steadily } from './steadily.js'

export interface Generator {
  rate: number
  /** How many starts, and as many ends, it has made. */
  readonly made: number
  /** From now on to this one; to nobody. */
  to(sender: Writable | null): void
  stop(): void
}

const CLOCK_MS = 250

export function generator(): Generator {
  let sender: Writable | null = null
  let made = 0
  const write = (text: string) => {
    if (sender && !sender.writableNeedDrain) sender.write(text)
  }
  const steady = steadily((count) => {
    if (!sender || sender.writableNeedDrain) return
    let text = ''
    for (let i = 0; i < count; i++) text += both(++made)
    sender.write(text)
  })
  const clock = setInterval(() => write(`{"type":"clock","ts":"${process.hrtime.bigint()}"}\n`), CLOCK_MS)
  return {
    get rate() {
      return steady.rate
    },
    set rate(now) {
      steady.rate = now
    },
    get made() {
      return made
    },
    to(next) {
      sender = next
      write('{"type":"stream","version":1,"unit":"ns","clock":"mono"}\n')
    },
    stop() {
      steady.stop()
      clearInterval(clock)
    },
  }
}

function both(n: number): string {
  return ['start', 'end']
    .map((name) => `{"ts":"${process.hrtime.bigint()}","event":"soak:${name}","cpu":0,"pid":7,"args":{"n":${n}}}\n`)
    .join('')
}
