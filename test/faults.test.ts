/**
 * The fault bench: every filter under broken input, every process under a broken environment.
 *
 *     npm run faults                       30 times as long as in `npm test`
 *     FAULTS=5 SEED=17 npm run faults      so long, from there
 *
 * A failure names its tool, seed and case; `node dist/test/faults/worker.mjs TOOL SEED CASE CASE+1` repeats it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { CUTS, cutsOf, filters } from './faults/filters.js'

const length = Number(process.env.FAULTS ?? 1)
const seed = Number(process.env.SEED ?? 1)
const CASES = 60
/** Generous: no case takes a second. */
const HANG_MS = 60_000

interface Told {
  at?: number
  broken?: number
  done?: number
  bytes?: number
  inputs?: number
  pairs?: number
  kind?: string
  why?: string
}

interface Met {
  next: number
  bytes: number
  /** Compared with the reference. */
  inputs: number
  pairs: number
}

/** One process of cases, from `from` on. Answers where the next begins. */
async function meet(tool: string, from: number, to: number, broken: string[]): Promise<Met> {
  const child = spawn(process.execPath, ['dist/test/faults/worker.mjs', tool, String(seed), String(from), String(to)])
  const closed = once(child, 'close')
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr = (stderr + text).slice(0, 2000)
  })
  let last: Told = {}
  const kill = () => child.kill('SIGKILL')
  let hang = setTimeout(kill, HANG_MS)
  for await (const line of createInterface(child.stdout)) {
    const told: Told = JSON.parse(line)
    if (told.at !== undefined) {
      clearTimeout(hang)
      hang = setTimeout(kill, HANG_MS)
    }
    if (told.broken !== undefined) broken.push(`case ${told.broken} (${told.kind}): ${told.why}`)
    else last = told
  }
  clearTimeout(hang)
  const [status, signal] = await closed
  if (last.done !== undefined && status === 0) {
    const { done: next, bytes = 0, inputs = 0, pairs = 0 } = last
    return { next, bytes, inputs, pairs }
  }
  broken.push(`case ${last.at} (${last.kind}): the process ended with ${signal ?? status}: ${stderr}`)
  return { next: (last.at ?? to) + 1, bytes: 0, inputs: 0, pairs: 0 }
}

async function allMet(t: TestContext, tool: string, from: number, to: number): Promise<void> {
  const broken: string[] = []
  const all = { bytes: 0, inputs: 0, pairs: 0 }
  for (let at = from; at < to; ) {
    const met = await meet(tool, at, to, broken)
    at = met.next
    for (const name of ['bytes', 'inputs', 'pairs'] as const) all[name] += met[name]
  }
  const compared = all.inputs > 0 ? `, ${all.inputs} compared with brute force: ${all.pairs} pairs` : ''
  t.diagnostic(`${to - from} cases, ${all.bytes} bytes, seed ${seed}${compared}`)
  assert.deepEqual(broken.slice(0, 10), [], `${broken.length} of ${to - from} broken, seed ${seed}`)
}

describe('faults in the input', { concurrency: 2 }, () => {
  for (const tool of Object.keys(filters))
    test(tool, async (t) => {
      await allMet(t, tool, 0, CASES * length)
    })
})

describe('streams that end at each of their bytes', { concurrency: 2 }, () => {
  for (const tool of Object.keys(filters))
    test(tool, async (t) => {
      const all = cutsOf(tool)
      // a stretch of them: of parse, which reads many formats, there are more than a million
      const most = CASES * (length > 1 ? 50 * length : 1)
      const from = (seed * 7919) % Math.max(1, all - most)
      await allMet(t, tool, CUTS + from, CUTS + Math.min(all, from + most))
    })
})
