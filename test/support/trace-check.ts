/**
 * A strict reader of the trace event format: what the format demands of each element (Trace Event Format), and what
 * Perfetto's importer does not say but drops or mixes up: a ts below 0, a tid of 0 or of two processes, slices of a
 * track that cross.
 */
import assert from 'node:assert/strict'

export interface Element {
  name: string
  ph: string
  pid: number
  tid: number
  cat?: string
  id?: string
  s?: string
  bp?: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever an exporter puts there
  args?: any
  /** ns from the base, from the digits as they stand there. */
  at: bigint
  dur: bigint
}

export interface Trace {
  base: bigint
  elements: Element[]
  // biome-ignore lint/suspicious/noExplicitAny: metadata
  other: any
}

/** Members beyond name, ph, pid, tid: those that must be there, those that may be. */
const members: Record<string, [must: string[], may: string[]]> = {
  X: [
    ['ts', 'dur'],
    ['cat', 'args'],
  ],
  i: [
    ['ts', 's'],
    ['cat', 'args'],
  ],
  b: [['ts', 'cat', 'id'], ['args']],
  e: [['ts', 'cat', 'id'], ['args']],
  s: [['ts', 'cat', 'id'], []],
  t: [['ts', 'cat', 'id'], []],
  f: [['ts', 'cat', 'id', 'bp'], []],
  C: [['ts', 'args'], []],
  M: [['args'], []],
}
const metadata = ['process_name', 'process_sort_index', 'thread_name', 'thread_sort_index']

export function readTrace(text: string): Trace {
  assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]|[^\P{Cc}\n]|<[/!]/u)
  const { traceEvents, otherData: other, ...more } = JSON.parse(text)
  assert.deepEqual(more, {})
  const lines = text.split('\n').filter((line) => line.startsWith('{"name"'))
  assert.equal(lines.length, traceEvents.length)
  const elements = lines.map(elementOf)
  checkTracks(elements)
  checkNesting(elements.filter(({ ph }) => ph === 'X'))
  checkAsync(elements.filter(({ ph }) => 'be'.includes(ph)))
  checkArrows(elements.filter(({ ph }) => 'stf'.includes(ph)))
  const base = BigInt(other.base_ts_ns ?? 0)
  for (const { ph, at, args } of elements)
    if (args?.ts_ns !== undefined && ph !== 'M') assert.equal(BigInt(args.ts_ns), base + at)
  return { base, elements, other }
}

function elementOf(line: string): Element {
  const element = JSON.parse(line.replace(/,$/, ''))
  const { name, ph, pid, tid, ...rest } = element
  assert.ok(typeof name === 'string' && name !== '', line.slice(0, 200))
  const [must, may] = members[ph] ?? assert.fail(`ph ${ph}`)
  for (const member of must) assert.ok(member in rest, `${ph} without ${member}`)
  for (const member of Object.keys(rest))
    assert.ok(must.includes(member) || may.includes(member), `${ph} with ${member}`)
  for (const number of [pid, tid]) assert.ok(Number.isInteger(number) && number > 0 && number < 2 ** 32)
  if (ph === 'M') assert.ok(metadata.includes(name))
  if (ph === 'i') assert.ok(['t', 'p', 'g'].includes(rest.s))
  if (ph === 'f') assert.equal(rest.bp, 'e')
  if ('id' in rest) assert.match(rest.id, /^0x[0-9a-f]+$/)
  return { ...element, at: exact(line, 'ts', ph !== 'M'), dur: exact(line, 'dur', ph === 'X') }
}

/** A double of it, as readers have it, is the same ns. */
function exact(line: string, member: string, must: boolean): bigint {
  const [, us, ns] =
    new RegExp(`^[^{]*\\{"name":"(?:[^"\\\\]|\\\\.)*",[^{]*?"${member}":(\\d+)\\.(\\d{3})[,}]`).exec(line) ?? []
  if (us === undefined) {
    assert.ok(!must, `no ${member} in digits: ${line.slice(0, 200)}`)
    return 0n
  }
  const digits = BigInt(`${us}${ns}`)
  assert.equal(BigInt(Math.round(Number(`${us}.${ns}`) * 1000)), digits)
  return digits
}

function checkTracks(elements: readonly Element[]): void {
  const processOf = new Map<number, number>()
  for (const { pid, tid } of elements) {
    assert.equal(processOf.get(tid) ?? pid, pid, `tid ${tid} is of two processes`)
    processOf.set(tid, pid)
  }
  const named = elements.filter(({ ph, name }) => ph === 'M' && name === 'process_name').map(({ pid }) => pid)
  for (const { pid } of elements) assert.ok(named.includes(pid), `process ${pid} has no name`)
}

function checkNesting(slices: readonly Element[]): void {
  const tracks = grouped(slices, ({ tid }) => tid)
  for (const track of tracks.values()) {
    const ends: bigint[] = []
    for (const { at, dur, name } of track.toSorted((a, b) =>
      a.at === b.at ? Number(b.dur - a.dur) : Number(a.at - b.at),
    )) {
      while (ends.length > 0 && (ends.at(-1) as bigint) <= at) ends.pop()
      assert.ok(ends.length === 0 || at + dur <= (ends.at(-1) as bigint), `${name} at ${at} crosses what it began in`)
      ends.push(at + dur)
    }
  }
}

function checkAsync(halves: readonly Element[]): void {
  for (const some of grouped(halves, ({ cat, id }) => `${cat} ${id}`).values()) {
    const open: Element[] = []
    for (const half of some) {
      if (half.ph === 'b') open.push(half)
      else {
        const begun = open.pop() ?? assert.fail('e without b')
        assert.deepEqual([half.name, half.pid, half.tid], [begun.name, begun.pid, begun.tid])
        assert.ok(half.at >= begun.at)
      }
    }
    assert.equal(open.length, 0, 'b without e')
  }
}

function checkArrows(points: readonly Element[]): void {
  for (const arrow of grouped(points, ({ cat, name, id }) => `${cat} ${name} ${id}`).values()) {
    assert.match(arrow.map(({ ph }) => ph).join(''), /^st*f$/)
    for (const [i, { at }] of arrow.entries()) assert.ok(i === 0 || at >= (arrow[i - 1] as Element).at)
  }
}

function grouped(
  elements: readonly Element[],
  of: (element: Element) => string | number,
): Map<string | number, Element[]> {
  const groups = new Map<string | number, Element[]>()
  for (const element of elements) {
    const group = groups.get(of(element))
    if (group) group.push(element)
    else groups.set(of(element), [element])
  }
  return groups
}
