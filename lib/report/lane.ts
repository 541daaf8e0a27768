/**
 * A lane of a timeline: what a CPU, or a thread, was doing from when to when, and what happened there.
 */
import { MIXED } from './page-data.js'

export interface Segment {
  from: number
  to: number
  state: number
  text: string
  /** Where a thread waited. */
  cpu: number | undefined
}

export interface Mark {
  at: number
  event: string
  task: string
  text: string
}

export interface Stretches {
  /** From now on it is this. */
  set(at: number, state: number, text: string, cpu?: number): void
  /** It was this until now, where nothing else is known. */
  was(at: number, state: number, text: string, cpu?: number): void
  /** Between these two nothing is known. */
  forget(at: number, until: number): void
  readonly state: number | undefined
  readonly cpu: number | undefined
  /** Closes the last one; answers what lies between, cut to it. */
  between(from: number, to: number): Segment[]
}

export function stretches(): Stretches {
  const closed: Segment[] = []
  let open: Segment | undefined
  let known = Number.NEGATIVE_INFINITY

  function close(at: number): void {
    if (open && at > open.from) closed.push({ ...open, to: at })
    open = undefined
  }

  return {
    get state() {
      return open?.state
    },
    get cpu() {
      return open?.cpu
    },
    set(at, state, text, cpu) {
      if (open?.state === state && open.text === text && open.cpu === cpu) return
      close(at)
      open = { from: at, to: at, state, text, cpu }
    },
    was(at, state, text, cpu) {
      if (open) return
      if (at > known) closed.push({ from: known, to: at, state, text, cpu })
    },
    forget(at, until) {
      close(at)
      known = until
    },
    between(from, to) {
      close(to)
      return closed
        .filter((segment) => segment.to > from && segment.from < to)
        .map((segment) => ({ ...segment, from: Math.max(from, segment.from), to: Math.min(to, segment.to) }))
    },
  }
}

/** What lies outside of a gap. */
export function outside(segments: readonly Segment[], [from, to]: readonly [number, number]): Segment[] {
  return segments
    .flatMap((segment) => [
      { ...segment, to: Math.min(segment.to, from) },
      { ...segment, from: Math.max(segment.from, to) },
    ])
    .filter((segment) => segment.to > segment.from)
}

/** More than a screen has pixels for become fewer: neighbours that fit into one become one. */
export function fewer(segments: readonly Segment[], most: number): Segment[] {
  const [first] = segments
  const last = segments.at(-1)
  if (!first || !last || segments.length <= most) return [...segments]
  const pixel = (last.to - first.from) / most
  const left: Segment[] = []
  for (const segment of segments) {
    const before = left.at(-1)
    if (!before || before.to < segment.from || segment.to - before.from > pixel) left.push(segment)
    else left[left.length - 1] = { ...before, to: segment.to, state: MIXED, text: 'several, too short to draw' }
  }
  return left
}
