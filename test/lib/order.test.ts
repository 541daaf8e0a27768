/** The merge against a sort, and the window against its definition. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Lane } from '../../lib/order/lane.js'
import { merge } from '../../lib/order/merge.js'
import { openInput } from '../../lib/wire/input.js'
import { bytes } from '../../lib/wire/memory.js'
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
): Promise<{ ids: string[]; late: string[] }> {
  const view = new RecordView()
  const lanes = inputs.map((lines, i) => new Lane(openInput(source(`${i}`, lines, piece)), window, view))
  const ids: string[] = []
  const late: string[] = []
  await merge(lanes, {
    maxWait: Number.POSITIVE_INFINITY,
    maxHeld: 1e6,
    async read(lane) {
      const batch = await lane.input.next()
      if (batch) lane.takeIn(batch, () => assert.fail('broken'))
      return batch !== null
    },
    emit(row, behind) {
      view.row = row
      ids.push(view.event)
      if (behind !== null) late.push(view.event)
    },
    beforeWait() {},
    passedOver() {},
    stopped: () => false,
  })
  return { ids, late }
}

const times = fc.array(fc.nat(200), { maxLength: 30 })

function lines(at: number[], input: number): string[] {
  return at.map((t, i) =>
    JSON.stringify({ ts: String(base + BigInt(t)), src: `s${input}`, event: `e${input}.${i}.${t}` }),
  )
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
