/**
 * Lanes: the times of causes and of effects, apart for each key, as `--check` and `--estimate` gather them.
 *
 * A lane is a `key` (where key-map gave one; all events without are one lane) and, where both sides know it, a `vm`.
 * Cause and effect are on two machines: where one of them happens on one machine only, the other is looked for on
 * the others only (irq_handler_entry is an event of hosts as well). What is held is bounded: events and keys beyond
 * the limits are counted and left out.
 */
import { SRC, VM } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import { type Times, times } from './times.js'

export interface Lane {
  starts: Float64Array
  ends: Float64Array
}

export interface Lanes {
  start(record: RecordView, time: number): void
  end(record: RecordView, time: number): void
  /** Events that were one too many. */
  readonly beyond: number
  gathered(): Gathering
}

export interface Gathering {
  lanes: Lane[]
  starts: number
  ends: number
  /** Whose they are, interned; undefined where several machines have them. */
  startSrc: number | undefined
  endSrc: number | undefined
}

export const MAX_EVENTS = 4_000_000
const MAX_LANES = 8192

interface Gathered {
  src: number
  vm: number
  key: string
  starts: Times
  ends: Times
}

export function gatherLanes(): Lanes {
  const all = new Map<string, Gathered>()
  let held = 0
  let beyond = 0

  function laneOf(record: RecordView): Gathered | null {
    const src = words[record.row + SRC] as number
    const vm = words[record.row + VM] as number
    const key = String(record.key ?? '')
    const id = `${src} ${vm} ${key}`
    const known = all.get(id)
    if (held === MAX_EVENTS || (!known && all.size === MAX_LANES)) {
      beyond++
      return null
    }
    held++
    if (known) return known
    const made = { src, vm, key, starts: times(), ends: times() }
    all.set(id, made)
    return made
  }

  return {
    get beyond() {
      return beyond
    },
    start: (record, time) => laneOf(record)?.starts.push(time),
    end: (record, time) => laneOf(record)?.ends.push(time),
    gathered: () => gather([...all.values()]),
  }
}

function gather(all: Gathered[]): Gathering {
  const starting = all.filter(({ starts }) => starts.length > 0)
  const ending = all.filter(({ ends }) => ends.length > 0)
  const starts = elsewhere(starting, ending)
  const ends = elsewhere(ending, starting)
  return {
    lanes: lanesOf(starts, ends),
    starts: starts.reduce((sum, lane) => sum + lane.starts.length, 0),
    ends: ends.reduce((sum, lane) => sum + lane.ends.length, 0),
    startSrc: onlySrc(starts),
    endSrc: onlySrc(ends),
  }
}

/** Without those of the one machine that the other side is on, if any are left then. */
function elsewhere(own: Gathered[], other: Gathered[]): Gathered[] {
  const src = onlySrc(other)
  const rest = own.filter((lane) => lane.src !== src)
  return src === undefined || rest.length === 0 ? own : rest
}

function onlySrc(lanes: Gathered[]): number | undefined {
  const src = lanes[0]?.src
  return lanes.every((lane) => lane.src === src) ? src : undefined
}

/** By key and vm where every event has a vm, else by key. */
function lanesOf(starts: Gathered[], ends: Gathered[]): Lane[] {
  const byVm = [...starts, ...ends].every(({ vm }) => vm !== 0)
  const id = ({ vm, key }: Gathered) => (byVm ? `${vm} ${key}` : key)
  const ids = new Set(starts.map(id))
  return [...ids].map((one) => ({
    starts: joined(starts.filter((lane) => id(lane) === one).map((lane) => lane.starts.sorted())),
    ends: joined(ends.filter((lane) => id(lane) === one).map((lane) => lane.ends.sorted())),
  }))
}

function joined(lists: Float64Array[]): Float64Array {
  if (lists.length === 1) return lists[0] as Float64Array
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return all.sort()
}
