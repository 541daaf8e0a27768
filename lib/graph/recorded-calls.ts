/** The events of function_graph, and the others between them, as calls of their threads. */
import { HAS_TSC, SRC } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { eventText } from '../drawing/event-line.js'
import { lossOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { CallTrees, Place } from './calls.js'
import { entryOf, exitOf, switchOf } from './graph-events.js'

export interface RecordedCalls {
  event(record: RecordView): void
  /** One that has a type. */
  record(record: RecordView): void
}

/** `events`: events that are no calls are notes in the trees. */
export function recordedCalls(calls: CallTrees, events: boolean): RecordedCalls {
  const kinds: Record<string, (record: RecordView, place: Place) => void> = {
    funcgraph_entry(record, place) {
      const { func, depth } = entryOf(record)
      calls.entry(place, func, depth)
    },
    funcgraph_exit(record, place) {
      if (!calls.exit(place, exitOf(record)))
        throw new BadRecord(
          'how long the call took is not told: no duration_ns, no calltime and rettime, no ts; its tree is given up',
        )
    },
    funcgraph_irq_entry: (_record, place) => calls.interrupt(place),
    funcgraph_irq_exit() {},
    funcgraph_switch(record, place) {
      const { next, text } = switchOf(record, place)
      calls.named(place)
      calls.runs(place, text)
      calls.runs(next, text)
    },
  }

  return {
    event(record) {
      const place = placeOf(record)
      const name = record.event.slice(record.event.indexOf(':') + 1)
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
      if (name !== 'funcgraph_switch') calls.runs(place, `=> ${place.comm ?? '<...>'}-${place.pid}`)
      if (kind) kind(record, place)
      else if (events) calls.event(place, () => `${record.event}: ${eventText(record)}`)
    },
    record(record) {
      if (record.type !== 'lost') return
      const { src, cpu } = lossOf(record)
      calls.lost(src, cpu)
    },
  }
}

function placeOf(record: RecordView): Place {
  const { src: srcName, cpu, pid, comm, time } = record
  return { src: words[record.row + SRC] as number, srcName, cpu, pid, comm, time, cycles: record.has(HAS_TSC) }
}
