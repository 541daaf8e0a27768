/** The merge against a sort, and the window against its definition. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Lane } from '../../lib/order/lane.js'
import { merge } from '../../lib/order/merge.js'
import { openInput } from '../../lib/wire/input.js'
import { bytes, inUse } from '../../lib/wire/memory.js'
import { RecordView } from '../../lib/wire/record.js'
import type { Source } from '../../lib/wire/source.js'

const base = 2n ** 62n

/** An input of these lines, in pieces of some bytes. */
function source(name: string, lines: string[], piece: number): Source {
  let text = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  return {
    name,
    live: false,
    read(to, max) {
      const n = Math.min(piece, max, text.length)
      text.copy(bytes, to, 0, n)
      text = text.subarray(n)
      return n
    },
    stop() {},
    close() {},
  }
}

async function mergeOf(
  inputs: string[][],
  window: number,
  piece = 1 << 16,
): Promise<{ ids: string[]; late: string[]; at: (bigint | undefined)[] }> {
  const view = new RecordView()
  const lanes = inputs.map((lines, i) => new Lane(openInput(source(`${i}`, lines, piece)), window, view))
  const ids: string[] = []
  const late: string[] = []
  const at: (bigint | undefined)[] = []
  await merge(lanes, {
    maxWait: Number.POSITIVE_INFINITY,
    maxHeld: 1e6,
    full: () => false,
    async read(lane) {
      const batch = await lane.input.next()
      if (batch) lane.takeIn(batch, () => assert.fail('broken'))
      return batch !== null
    },
    emit(row, behind) {
      view.row = row
      ids.push(view.event)
      at.push(view.time)
      if (behind !== null) late.push(view.event)
    },
    beforeWait() {},
    passedOver() {},
    stopped: () => false,
  })
  return { ids, late, at }
}

const times = fc.array(fc.nat(200), { maxLength: 30 })

function lines(at: number[], input: number): string[] {
  return at.map((t, i) =>
    JSON.stringify({ ts: String(base + BigInt(t)), src: `s${input}`, event: `e${input}.${i}.${t}` }),
  )
}

/** Of one name: a process remembers only so many. */
function plain(at: number): string {
  return JSON.stringify({ ts: String(at), src: 's', event: 'e' })
}

/** What the window's definition says of one input: the time at which each row goes out, and whether it is late. */
function places(at: number[], window: number): { t: number; late: boolean }[] {
  let newest = Number.NEGATIVE_INFINITY
  return at.map((t) => {
    const late = t < newest - window
    const place = late ? newest - window : t
    newest = Math.max(newest, t)
    return { t: place, late }
  })
}

describe('order', () => {
  test('lines that come one at a time are held in little more than their own length', async () => {
    const n = 3000
    const text = Array.from({ length: n }, (_, i) => plain(i + 1e6))
    const input = openInput(source('drops', text, (text[0] as string).length + 1))
    const before = inUse()
    const held = []
    for (let batch = await input.next(); batch; batch = await input.next()) held.push(batch)
    assert.ok(held.length > n / 2, `${held.length} batches`)
    const taken = inUse() - before
    assert.ok(taken < n * 2048, `${taken} bytes for ${n} lines`)
    for (const batch of held) batch.release()
    assert.equal(inUse(), before)
  })

  test('a hundred thousand rows that are behind a hundred thousand others', async () => {
    const n = 100_000
    const at = Array.from({ length: 2 * n }, (_, i) => (i < n ? 2 * i : 4 * n - 2 * i + 1))
    const { at: sorted, late } = await mergeOf([at.map(plain)], 10 * n)
    assert.deepEqual(
      sorted.map(Number),
      at.toSorted((a, b) => a - b),
    )
    assert.equal(late.length, 0)
  })

  test('is a stable sort of what lies within the window, whatever the pieces it is read in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(times, { minLength: 1, maxLength: 4 }),
        fc.nat(60),
        fc.integer({ min: 40, max: 400 }),
        async (inputs, window, piece) => {
          const wanted = inputs
            .flatMap((at, input) => {
              const placed = places(at, window)
              return at.map((t, i) => ({
                id: `e${input}.${i}.${t}`,
                input,
                i,
                ...(placed[i] as { t: number; late: boolean }),
              }))
            })
            .toSorted((a, b) => a.t - b.t || a.input - b.input || a.i - b.i)
          const { ids, late } = await mergeOf(inputs.map(lines), window, piece)
          assert.deepEqual(
            ids,
            wanted.map(({ id }) => id),
          )
          // late is what is older than a row that went out before it
          let newest = Number.NEGATIVE_INFINITY
          const older = wanted.filter(({ id }) => {
            const t = Number(id.split('.')[2])
            const behind = t < newest
            newest = Math.max(newest, t)
            return behind
          })
          assert.deepEqual(
            late,
            older.map(({ id }) => id),
          )
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('sorts everything where the window holds everything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(times, { minLength: 1, maxLength: 4 }), async (inputs) => {
        const { ids, late } = await mergeOf(inputs.map(lines), 1000)
        const sorted = inputs.flat().toSorted((a, b) => a - b)
        assert.deepEqual(
          ids.map((id) => Number(id.split('.')[2])),
          sorted,
        )
        assert.deepEqual(late, [])
      }),
      { numRuns: 300 },
    )
  })
})
