/**
 * Leads: by how much ends come before their starts, in a stretch of events of two machines (skew.ts).
 *
 * Each start is paired with the end after it, or with the orphan end before it, whichever is nearer; the latter are leads.
 */
import { SRC, VM } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import type { Key } from './event-key.js'
import type { Guests } from './guests.js'

/** So few leads, or so small a part of the pairs, are chance: an orphan that happens to stand before a start. */
const CHANCE = 2
const CHANCE_PART = 0.01

/** A start or an end that was listened to. */
export interface Heard {
  row: number
  isStart: boolean
  key: Key
  /** Behind the first one, in the unit of the times. */
  at: number
}

/** What the last events of a key were; NaN: there is none of that kind. */
interface State {
  orphan: number
  start: number
  /** How long before that start an orphan was. */
  early: number
}

/** By guest and key. */
type States = Map<string, State>

/** What was listened to and let go before it was decided. */
export interface Past {
  states: Map<string, State & { losses: number }>
  /** So far. Of before a loss only an open start counts: an end without a start is none of what comes behind. */
  losses: number
  known: Guests
}

const none = Number.NaN
const nothing: State = { orphan: none, start: none, early: none }

/** Starts and ends as they happened when ends are stamped `lead` too early; a start is before an end of its time. */
export function inShiftedOrder<T extends Heard>(events: readonly T[], lead: number): T[] {
  const when = ({ at, isStart }: Heard) => (isStart ? at : at + lead)
  return events.toSorted((a, b) => when(a) - when(b) || Number(b.isStart) - Number(a.isStart))
}

/** The largest lead of ends before their starts; raised until what is left of leads is chance. */
export function leadOf(events: readonly Heard[], limit: number, past: Past): { lead: number; states: States } {
  let lead = 0
  let states: States = new Map()
  for (let turn = 0; turn < 8; turn++) {
    const met = nearest(inShiftedOrder(events, lead), lead, limit, past)
    states = met.states
    if (met.leads.length <= Math.max(CHANCE, met.pairs * CHANCE_PART)) break
    lead += Math.max(...met.leads)
  }
  return { lead, states }
}

function idOf({ known }: Past, row: number, key: Key): string {
  return `${known.of(words[row + VM] as number, words[row + SRC] as number)} ${key}`
}

/** These were listened to, and go. */
export function remember({ states, losses }: Past, met: States): void {
  for (const [id, state] of met) states.set(id, { ...state, losses })
}

/** A start that is not listened to; its end will be. */
export function rememberStart(past: Past, row: number, key: Key, at: number): void {
  past.states.set(idOf(past, row, key), { ...nothing, start: at, losses: past.losses })
}

/** What was known of the key when these began. */
function before({ states, losses }: Past, id: string): State {
  const state = states.get(id) ?? { ...nothing, losses }
  return state.losses === losses ? { ...state } : { ...nothing, start: state.start }
}

/** Pairs each start with the end after it or the orphan before it, whichever is nearer. */
function nearest(
  events: readonly Heard[],
  lead: number,
  limit: number,
  past: Past,
): { pairs: number; leads: number[]; states: States } {
  const states: States = new Map()
  const leads: number[] = []
  let pairs = 0
  for (const { isStart, key, at, row } of events) {
    const id = idOf(past, row, key)
    const state = states.get(id) ?? before(past, id)
    states.set(id, state)
    if (isStart) {
      if (state.early > 0) leads.push(state.early)
      state.start = at
      state.early = at - state.orphan <= limit ? at - state.orphan : none
      state.orphan = none
      continue
    }
    const end = at + lead
    if (state.early < end - state.start) {
      leads.push(state.early)
      state.orphan = end
    } else if (Number.isNaN(state.start)) state.orphan = end
    else pairs++
    state.start = none
    state.early = none
  }
  return { pairs, leads, states }
}
