/**
 * Chaining: paths followed from stage to stage, over events that come in the order of time.
 *
 * A path that has come to a stage waits for the next one, and for those after it as far as the first that is not
 * optional. An event of one of these with the path's key brings it there; optional stages that were passed over stay
 * empty. The last stage completes it. What happens to all the others is counted, and the account closes:
 *
 *     started = completed + broken + replaced + expired + evicted + lost + acausal + open
 *
 * Example: A[pid], [pid]B[to], [to]C; A of pid 7 at 10, B of pid 7 to 9 at 14, C of 9 at 60: one path of 50, its
 * stages 4 and 46. A second A of pid 7 at 12 would have replaced the first, with policy `last`.
 *
 * A loss in a src makes unsafe every path that waits for an event of this src, or came from one and could have been
 * replaced: such a path is `lost`. So is one that begins to wait before the loss is over.
 */
import { HAS_TS, HAS_TSC } from '../assembly/layout.js'
import type { Loss } from '../wire/lost.js'
import type { RecordView } from '../wire/record.js'
import { type ClosedAccount, type Ending, tallying } from './account.js'
import { ages } from './ages.js'
import { limits } from './limits.js'
import { keyOf } from './link-key.js'
import { matcher } from './matcher.js'
import { missing, type Place } from './missing.js'
import { comparable, lastStamp, type OpenPath, pathPool, type Stamp, stampOf } from './open-path.js'
import { type Link, linkNames, type Path, type Stage } from './path.js'
import { queues } from './queues.js'
import { stands } from './stands.js'
import type { Waiting } from './waiting.js'

export interface ChainingOptions {
  /** Units of the events' own clock since the path's start; Infinity: none. */
  timeout: number
  maxOpen: number
}

export interface Sink {
  /** All the stages that came; the others are null. */
  complete(path: OpenPath): void
  /** An event of the path is earlier than the stage before it, by so much. */
  acausal(stage: Stage, by: number): void
  /** Times of these two machines cannot be compared. */
  incomparable(before: Stamp, record: RecordView): void
  /** An event of the path without a time. */
  unusable(record: RecordView): void
}

export interface Chaining {
  event(record: RecordView): void
  /** Events are missing. False where a path was completed already after the loss began. */
  loss(loss: Loss): boolean
  /** The stream is over: paths that only lack optional stages are complete. */
  end(): void
  account(): ClosedAccount
}

export function chaining(path: Path, { timeout, maxOpen }: ChainingOptions, sink: Sink): Chaining {
  const { stages } = path
  const tally = tallying(stages)
  const names = linkNames(stages)
  const pool = pathPool(stages.length, names.length, 2 * stages.length)
  const places = stands(stages)
  const tables = places.at
  const lines = queues(stages)
  const limit = limits(stages, timeout)
  const open = ages()
  const gaps = missing(stages)
  let begun = 0
  const match = matcher(path, () => begun)
  let lastEnd: bigint | undefined

  function begin(record: RecordView, now: Stamp): void {
    begun++
    const values = match.out(0, record)
    const started = pool.take()
    tally.counts.started++
    open.add(started)
    come(started, 0, now, values)
    if (open.size > maxOpen) drop(open.oldest as OpenPath, 'evicted')
  }

  /** The event brings the path to this stage. */
  function come(of: OpenPath, stage: number, now: Stamp, values: readonly string[]): void {
    const from = of.at
    of.stamps[stage] = now
    of.at = stage
    gaps.saw(stage, now.src)
    const { out } = stages[stage] as Stage
    for (let i = 0; i < out.length; i++) of.links[names.indexOf((out[i] as Link).name)] = values[i]
    lines.came(of, from, stage)
    if (stage === stages.length - 1) complete(of)
    else wait(of, from)
  }

  function wait(of: OpenPath, from: number): void {
    if (gaps.any && gaps.spoils(lastStamp(of).time, placeOf(of))) {
      drop(of, 'lost')
      return
    }
    const replaced = places.move(of, from)
    for (const other of replaced) drop(other, 'replaced')
    // what remains is optional, and hangs on what did not come
    if (!replaced.includes(of) && places.nowhere(of)) complete(of)
  }

  /** It waits no longer for this stage. */
  function leave(of: OpenPath, stage: number): void {
    if (!(stages[stage] as Stage).optional) {
      drop(of, 'broken')
      return
    }
    ;(tables[stage] as Waiting).remove(of)
    if (places.nowhere(of)) complete(of)
  }

  function close(of: OpenPath): void {
    places.clear(of)
    lines.left(of)
    open.remove(of)
  }

  function drop(of: OpenPath, why: Ending): void {
    tally.ended(of.doubt === undefined ? why : 'broken', of.doubt ?? places.lacking(of))
    close(of)
    pool.give(of)
  }

  function complete(of: OpenPath): void {
    if (of.doubt !== undefined) {
      drop(of, 'broken')
      return
    }
    tally.counts.completed++
    close(of)
    lastEnd = lastStamp(of).time
    sink.complete(of)
    pool.give(of)
  }

  /** The event is this stage's: who waits for it goes on. */
  function arrive(stage: number, record: RecordView, now: Stamp): void {
    const definition = stages[stage] as Stage
    const key = keyOf(definition, match.into(stage, record), now.src)
    if (definition.policy !== 'queue') {
      for (const of of chosen((tables[stage] as Waiting).of(key), definition.policy)) bring(of, stage, record, now)
      return
    }
    const turn = lines.turn(stage, key) ?? renumbered(stage, key)
    if (turn === undefined) return
    for (const of of turn.overtaken) drop(of, 'broken')
    bring(turn.of, stage, record, now)
  }

  /** Beginnings were missed, or the first number is not 1: from now on they are counted from this one's. */
  function renumbered(stage: number, key: string): { of: OpenPath; overtaken: OpenPath[] } | undefined {
    const of = lines.alone(stage)
    if (of === undefined) return undefined
    const by = Number(key) - Number(of.keys[stage])
    if (Number.isSafeInteger(by)) begun += by
    return { of, overtaken: [] }
  }

  function bring(of: OpenPath, stage: number, record: RecordView, now: Stamp): void {
    const before = lastStamp(of)
    if (!comparable(before, now)) {
      sink.incomparable(before, record)
      return
    }
    const delta = Number(now.time - before.time)
    if (delta < 0) {
      sink.acausal(stages[stage] as Stage, -delta)
      drop(of, 'acausal')
    } else if (limit.late(of, stage, now)) leave(of, stage)
    else come(of, stage, now, match.out(stage, record))
  }

  /** What waits no longer: too late for a stage, or for the whole path. */
  function expire(now: Stamp): void {
    limit.lateOnes(tables, now, leave)
    limit.oldOnes(open, now, (of) => {
      if (places.lacksNothing(of)) complete(of)
      else drop(of, 'expired')
    })
  }

  function placeOf(of: OpenPath): Place {
    return { at: of.at, src: lastStamp(of).src, next: places.next(of.at) }
  }

  return {
    event(record) {
      const timed = record.has(HAS_TS | HAS_TSC)
      if (limit.any && open.size > 0 && timed) expire(stampOf(record))
      const candidates = match.candidates(record)
      if (candidates === null) return
      if (!timed) {
        sink.unusable(record)
        return
      }
      let now: Stamp | undefined
      // the last stage first: an event brings a path one stage on, not two
      for (const stage of candidates) {
        const table = tables[stage] as Waiting
        if (stage > 0 && table.size === 0 && !isQueue(stages[stage] as Stage)) continue
        if (match.is(stage, record)) {
          now ??= stampOf(record)
          if (stage === 0) begin(record, now)
          else arrive(stage, record, now)
        }
        if (table.size > 0 && match.ends(stage, record)) for (const of of [...table.all()]) leave(of, stage)
      }
    },
    loss({ src, from, to }) {
      for (const of of open) if (gaps.concerns(src, placeOf(of))) drop(of, 'lost')
      if (to !== undefined) gaps.add(src, to)
      return from === undefined || lastEnd === undefined || lastEnd <= from
    },
    end() {
      for (const of of open) {
        if (places.lacksNothing(of)) complete(of)
        else if (of.doubt !== undefined) drop(of, 'broken')
      }
    },
    account: () => tally.close([...open].map(places.lacking)),
  }
}

function isQueue({ policy }: Stage): boolean {
  return policy === 'queue'
}

/** Those of the waiting paths that an event is for. */
function chosen(paths: readonly OpenPath[], policy: Stage['policy']): readonly OpenPath[] {
  if (policy === 'next') return [...paths]
  return policy === 'last' ? paths.slice(-1) : paths.slice(0, 1)
}
