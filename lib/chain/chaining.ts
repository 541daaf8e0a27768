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
import { type Account, type ClosedAccount, emptyAccount } from './account.js'
import { matcher } from './matcher.js'
import { missing, type Place } from './missing.js'
import { comparable, lastStamp, type OpenPath, type Stamp, stampOf } from './open-path.js'
import type { Path, Stage } from './path.js'
import { type Waiting, waiting } from './waiting.js'

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
  const match = matcher(path)
  const tables: Waiting[] = stages.map(() => waiting())
  const nexts = stages.map((_stage, i) => nextStages(stages, i))
  const limited = stages.flatMap(({ within }, i) => (within === undefined ? [] : [i]))
  const expires = limited.length > 0 || timeout !== Number.POSITIVE_INFINITY
  const open = new Set<OpenPath>()
  const stopped = stages.map(() => 0)
  const account: Account = emptyAccount()
  const gaps = missing(stages)
  let lastEnd: bigint | undefined

  function begin(record: RecordView): void {
    const stamps: (Stamp | null)[] = stages.map(() => null)
    const started: OpenPath = { stamps, at: 0, links: new Map(), waits: new Map() }
    account.started++
    open.add(started)
    come(started, 0, record)
    if (open.size > maxOpen) drop(oldest(open), 'evicted')
  }

  /** The event brings the path to this stage. */
  function come(of: OpenPath, stage: number, record: RecordView): void {
    const values = match.out(stage, record)
    leaveAll(of)
    of.stamps[stage] = stampOf(record)
    of.at = stage
    gaps.saw(stage, lastStamp(of).src)
    for (const [i, { name }] of (stages[stage] as Stage).out.entries()) of.links.set(name, values[i] as string)
    if (stage === stages.length - 1) complete(of)
    else wait(of)
  }

  function wait(of: OpenPath): void {
    const next = nexts[of.at] as number[]
    if (gaps.spoils(lastStamp(of).time, placeOf(of))) {
      drop(of, 'lost')
      return
    }
    for (const stage of next) {
      const definition = stages[stage] as Stage
      const values = definition.in.map(({ name }) => of.links.get(name))
      if (values.includes(undefined)) continue
      const key = keyOf(definition, values as string[], lastStamp(of).src)
      if (!definition.optional && !mayJoin(of, stage, key)) return
      of.waits.set(stage, key)
      ;(tables[stage] as Waiting).add(key, of)
    }
  }

  /** Another path waits there with the same key: what the stage's policy makes of it. */
  function mayJoin(of: OpenPath, stage: number, key: string): boolean {
    const { policy } = stages[stage] as Stage
    if (policy === 'fifo' || policy === 'next') return true
    const others = (tables[stage] as Waiting).of(key)
    if (others === undefined) return true
    if (policy === 'first') {
      drop(of, 'replaced')
      return false
    }
    for (const other of [...others]) drop(other, 'replaced')
    return true
  }

  function leaveAll(of: OpenPath): void {
    for (const [stage, key] of of.waits) (tables[stage] as Waiting).remove(key, of)
    of.waits.clear()
  }

  function leave(of: OpenPath, stage: number): void {
    const key = of.waits.get(stage)
    if (key === undefined) return
    ;(tables[stage] as Waiting).remove(key, of)
    of.waits.delete(stage)
    if (!(stages[stage] as Stage).optional) drop(of, 'broken')
    else if (of.waits.size === 0) complete(of)
  }

  function drop(of: OpenPath, why: Exclude<keyof Account, 'started' | 'completed'>): void {
    account[why]++
    stoppedAt(of)
    leaveAll(of)
    open.delete(of)
  }

  function stoppedAt({ at }: OpenPath): void {
    const stage = (nexts[at] as number[]).at(-1) as number
    stopped[stage] = (stopped[stage] as number) + 1
  }

  function complete(of: OpenPath): void {
    account.completed++
    leaveAll(of)
    open.delete(of)
    lastEnd = lastStamp(of).time
    sink.complete(of)
  }

  /** The event is this stage's: who waits for it goes on. */
  function arrive(stage: number, record: RecordView, now: Stamp): void {
    const definition = stages[stage] as Stage
    const key = keyOf(definition, match.into(stage, record), now.src)
    for (const of of chosen((tables[stage] as Waiting).of(key), definition.policy)) {
      const before = lastStamp(of)
      if (!comparable(before, now)) {
        sink.incomparable(before, record)
        continue
      }
      const delta = Number(now.time - before.time)
      if (delta < 0) {
        sink.acausal(definition, -delta)
        drop(of, 'acausal')
      } else come(of, stage, record)
    }
  }

  /** What waits no longer: too late for a stage, or for the whole path. */
  function expire(now: Stamp): void {
    for (const stage of limited) {
      const { within } = stages[stage] as Stage
      for (const of of (tables[stage] as Waiting).all()) {
        const before = lastStamp(of)
        if (!comparable(before, now) || Number(now.time - before.time) <= (within as number)) break
        leave(of, stage)
      }
    }
    if (timeout === Number.POSITIVE_INFINITY) return
    for (const of of open) {
      const start = of.stamps[0] as Stamp
      if (!comparable(start, now) || Number(now.time - start.time) <= timeout) break
      if (lacksNothing(of)) complete(of)
      else drop(of, 'expired')
    }
  }

  function placeOf(of: OpenPath): Place {
    return { at: of.at, src: lastStamp(of).src, next: nexts[of.at] as number[] }
  }

  function lacksNothing({ at }: OpenPath): boolean {
    return (nexts[at] as number[]).every((stage) => (stages[stage] as Stage).optional)
  }

  return {
    event(record) {
      const timed = record.has(HAS_TS | HAS_TSC)
      if (expires && open.size > 0 && timed) expire(stampOf(record))
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
        if (stage > 0 && table.size === 0) continue
        if (match.is(stage, record)) {
          now ??= stampOf(record)
          if (stage === 0) begin(record)
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
      for (const of of open) if (lacksNothing(of)) complete(of)
    },
    account() {
      const counts = stages.map(({ name }, i): [string, number] => [name, stopped[i] as number])
      for (const of of open) {
        const last = (nexts[of.at] as number[]).at(-1) as number
        ;(counts[last] as [string, number])[1]++
      }
      return { ...account, open: open.size, stopped: new Map(counts.filter(([, count]) => count > 0)) }
    },
  }
}

/** The stages that may come after this one: the optional ones, and the first that is not. */
function nextStages(stages: readonly Stage[], at: number): number[] {
  const next: number[] = []
  for (let i = at + 1; i < stages.length; i++) {
    next.push(i)
    if (!(stages[i] as Stage).optional) break
  }
  return next
}

/** What an event and a path must have in common at a stage; a src where both must be of one machine. */
function keyOf({ whose }: Stage, values: readonly string[], src: number): string {
  const machine = whose === 'same' ? src : ''
  return `${machine}|${values.length === 1 ? values[0] : JSON.stringify(values)}`
}

/** Those of the waiting paths that an event is for. */
function chosen(paths: ReadonlySet<OpenPath> | undefined, policy: Stage['policy']): OpenPath[] {
  if (paths === undefined) return []
  if (policy === 'next') return [...paths]
  if (policy === 'last') return [...paths].slice(-1)
  return [oldest(paths)]
}

function oldest(paths: ReadonlySet<OpenPath>): OpenPath {
  return paths.values().next().value as OpenPath
}
