/**
 * The file that speedscope opens (https://www.speedscope.app/file-format-schema.json): an evented profile a thread,
 * in ns from the first tree.
 *
 * The first tree is the one that began first, which is not the one that is whole first: that may be an interrupt in it,
 * or a call of another thread.
 *
 * A call begins when it is known to have, but never before the one beside it has ended, nor so late that it would end
 * after its caller. Where no times are known the calls of a function stand side by side from its beginning, and trees
 * one after another: lengths are true then, places are not.
 */
import { type Call, isCall, type Tree } from './tree.js'

interface Profile {
  name: string
  /** Type (0 open, 1 close), frame, time since the start of the tree that was whole first: three numbers an event. */
  events: number[]
  end: number
}

/** What a browser still opens; an event is about 30 bytes. */
const MAX_CALLS = 1_000_000

export function speedscope() {
  const profiles = new Map<string, Profile>()
  const frames = new Map<string, number>()
  let origin: bigint | undefined
  let calls = 0
  let left = 0

  function frameOf(func: string): number {
    const known = frames.get(func)
    if (known !== undefined) return known
    frames.set(func, frames.size)
    return frames.size - 1
  }

  function put({ events }: Profile, call: Call, at: number, end: number): void {
    const frame = frameOf(call.func)
    events.push(0, frame, at)
    let cursor = at
    for (const inside of call.inside) {
      if (!isCall(inside)) continue
      const from = Math.max(cursor, Math.min(offset(call, inside, at) ?? cursor, end - inside.total))
      const to = Math.min(from + inside.total, end)
      put({ events } as Profile, inside, Math.min(from, end), Math.max(to, Math.min(from, end)))
      cursor = Math.max(to, Math.min(from, end))
    }
    events.push(1, frame, end)
  }

  return {
    /** Trees that there was no room for. */
    get left() {
      return left
    },
    add(tree: Tree): void {
      if (calls + tree.calls > MAX_CALLS) {
        left++
        return
      }
      calls += tree.calls
      const name = profileName(tree)
      const profile = profiles.get(name) ?? { name, events: [], end: Number.NEGATIVE_INFINITY }
      profiles.set(name, profile)
      const { start, total } = tree.root
      origin ??= start
      const from = start === undefined || origin === undefined ? Math.max(profile.end, 0) : Number(start - origin)
      const at = Math.max(profile.end, from)
      put(profile, tree.root, at, at + total)
      profile.end = at + total
    },
    *pieces(exporter: string): Generator<string> {
      yield '{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":'
      yield JSON.stringify([...frames.keys()].map((name) => ({ name })))
      yield '},"profiles":['
      let first = true
      const zero = [...profiles.values()].reduce((least, { events }) => Math.min(least, events[2] ?? 0), 0)
      for (const { name, events, end } of profiles.values()) {
        const start = (events[2] ?? 0) - zero
        const head = { type: 'evented', name, unit: 'nanoseconds', startValue: start, endValue: end - zero }
        yield `${first ? '' : ','}${JSON.stringify(head).slice(0, -1)},"events":[`
        first = false
        for (let i = 0; i < events.length; i += 3)
          yield `${i > 0 ? ',' : ''}{"type":"${events[i] === 0 ? 'O' : 'C'}","frame":${events[i + 1]},"at":${(events[i + 2] as number) - zero}}`
        yield ']}'
      }
      yield `],"exporter":${JSON.stringify(exporter)}}\n`
    },
  }
}

function offset(outer: Call, inner: Call, at: number): number | undefined {
  if (outer.start === undefined || inner.start === undefined) return undefined
  return at + Number(inner.start - outer.start)
}

function profileName({ src, cpu, pid, comm, irq }: Tree): string {
  if (irq) return `${src} interrupts of CPU ${cpu ?? '?'}`
  return pid === undefined || pid === 0 ? `${src} ${comm ?? 'CPU'} ${cpu ?? '?'}` : `${src} ${comm ?? '<...>'}-${pid}`
}
