/**
 * A guest's interrupt handlers, and the injections that may have brought each of them.
 *
 * An interrupt that is injected while the same one is still pending is delivered with it; one that comes between
 * the delivery and the handler's first event brings the next handler. So a handler takes the oldest injection that
 * is left, and perhaps those after it, which then stay, for one handler more, in doubt.
 *
 *     inject a, inject b, handler 1 (a, perhaps b), inject c, handler 2 (b or c)
 */
import type { Stamp } from '../chain/open-path.js'
import type { MsiEvent } from '../interrupts/msi-event.js'
import type { Handled, Handler, Injection } from './facts.js'

export interface Cause {
  stamp: Stamp
  /** The handler before may have taken it. */
  doubtful: boolean
}

export interface Running {
  irq: number
  name: string
  stamp: Stamp
  /** Injections that may have brought it, the oldest first. */
  causes: readonly Cause[]
  /** An injection of this interrupt was seen, ever. */
  known: boolean
}

export interface Handlers {
  injected(fact: Injection): void
  enter(fact: Handler): void
  exit(fact: Handled): void
  /** The handler that runs on this CPU. */
  on(cpu: number): Running | undefined
  clear(): void
}

/** Injections that wait, of one message, and messages (a vCPU and a vector). */
const MOST_WAITING = 64
const MOST_MESSAGES = 4096

interface Message {
  msi: MsiEvent
  injections: Cause[]
  /** When its handler before ran. */
  before: bigint | undefined
}

/** `irqOf`: which interrupt a message is; it may be learnt only later. */
export function handlers(irqOf: (msi: MsiEvent) => number | undefined): Handlers {
  const messages = new Map<string, Message>()
  const running = new Map<number, Running>()

  /** A handler takes the oldest, and leaves the others in doubt. */
  function take(message: Message, time: bigint): void {
    const { before } = message
    message.injections = message.injections
      .slice(1)
      .filter(({ stamp }) => before === undefined || stamp.time > before)
      .map(({ stamp }) => ({ stamp, doubtful: true }))
    message.before = time
  }

  return {
    injected({ msi, stamp }) {
      const name = `${msi.destination} ${msi.logical} ${msi.vector}`
      const known = messages.get(name) ?? { msi, injections: [], before: undefined }
      if (messages.size < MOST_MESSAGES) messages.set(name, known)
      known.injections.push({ stamp, doubtful: false })
      if (known.injections.length > MOST_WAITING) known.injections.shift()
    },
    enter({ irq, name, cpu, stamp }) {
      const own: Message[] = []
      for (const message of messages.values()) {
        const of = irqOf(message.msi)
        if (of === irq) own.push(message)
        // of what is not known it may be any
        else if (of === undefined) for (const cause of message.injections) cause.doubtful = true
      }
      const causes = own.flatMap(({ injections }) => injections)
      // a message has one destination; an interrupt that was sent elsewhere has another
      if (own.length > 1) causes.sort((a, b) => Number(a.stamp.time - b.stamp.time))
      running.set(cpu, { irq, name, stamp, causes, known: own.length > 0 })
      for (const message of own) take(message, stamp.time)
    },
    exit({ cpu }) {
      running.delete(cpu)
    },
    on: (cpu) => running.get(cpu),
    clear() {
      messages.clear()
      running.clear()
    },
  }
}
