/**
 * The chain record: one path, whole.
 *
 *     {"type":"chain","path":"a => b","start_ts":"10","end_ts":"60","delta_ns":50,"stages":[
 *      {"stage":"a","event":"sched:a","ts":"10","src":"host","cpu":0,"pid":7,"delta_ns":0}, ...],"links":{"to":"9"}}
 *
 * `delta_ns` of a stage is its time less that of the nearest stage before it that came; a stage that did not come
 * has nothing but its name. Cycles are `start_tsc`, `tsc` and `delta_tsc` in their place.
 */
import { nameOf } from '../wire/names.js'
import { lastStamp, type OpenPath, type Stamp } from './open-path.js'
import { linkNames, type Path, type Stage } from './path.js'

/** What its record says of a path. */
export interface NamedPath {
  name: string
  stages: readonly Pick<Stage, 'name'>[]
}

/** The stages that a path has seen. */
export type Seen = Pick<OpenPath, 'stamps' | 'at'>

/** A record of a path, as JSON text. `links`: its links by name, where they are to be in it. */
export function chainRecord(
  { name, stages }: NamedPath,
  path: Seen,
  links?: Record<string, string | undefined>,
): string {
  const first = path.stamps[0] as Stamp
  const last = lastStamp(path)
  const unit = first.ns ? 'ts' : 'tsc'
  const delta = first.ns ? 'delta_ns' : 'delta_tsc'
  let before = first
  const filled = stages.map(({ name: stage }, i) => {
    const stamp = path.stamps[i]
    if (!stamp) return { stage }
    const since = Number(stamp.time - before.time)
    before = stamp
    const { event, time, src, cpu, pid } = stamp
    return {
      stage,
      event: nameOf(event),
      [unit]: timeText(time),
      src: nameOf(src) || undefined,
      cpu,
      pid,
      [delta]: since,
    }
  })
  return JSON.stringify({
    type: 'chain',
    path: name,
    [`start_${unit}`]: timeText(first.time),
    [`end_${unit}`]: timeText(last.time),
    [delta]: Number(last.time - first.time),
    stages: filled,
    links,
  })

  function timeText(time: bigint): string {
    return String(first.ns ? time : BigInt.asUintN(64, time))
  }
}

/** The links of a path by name; undefined where it has none. */
export function namedLinks({ stages }: Path, { links }: OpenPath): Record<string, string | undefined> | undefined {
  return links.length > 0 ? Object.fromEntries(linkNames(stages).map((name, i) => [name, links[i]])) : undefined
}
