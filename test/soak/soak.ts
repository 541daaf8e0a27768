/**
 * The soak: the live pipeline (pipeline.ts) under load and trouble (trouble.ts) for hours, its processes sampled, and
 * at the end its accounts.
 *
 *     npm run soak                  one hour
 *     SOAK=24 npm run soak          hours; SOAK=90s, SOAK=10min for trying
 *     SEED=7 npm run soak           other troubles
 *     COLLECT=no npm run soak       no garbage is collected but by V8's own judgement
 *
 * Writes dist/soak/samples.ndjson, soak.svg and figures.md. The status is 1 where a check does not hold. Needs what a
 * capture needs: root and tracefs.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { captures } from '../support/tracing.js'
import { type Check, checkAccounts, written } from './account.js'
import { figures } from './figures.js'
import { checkMemory, lives } from './memory.js'
import { type Pipeline, startPipeline } from './pipeline.js'
import { plot } from './plot.js'
import { collected, type Sample, sample } from './samples.js'
import { makeTrouble, type Trouble, worstTrouble } from './trouble.js'

const seconds = duration(process.env.SOAK ?? '1')
const seed = Number(process.env.SEED ?? 1)
const folder = process.env.SOAK_OUT ?? 'dist/soak'
/** Short runs are watched more closely, and are troubled more often. */
const every = Math.min(10, seconds / 60)
const calm = Math.min(8, seconds / 12)
/** Code is compiled, and malloc's arenas and the young generation find their size. */
const warm = Math.min(1200, seconds / 3)
/** Between full collections. */
const collectEvery = Math.min(60, seconds / 12)
/** A run of so many seconds begins with the worst trouble, which takes two minutes. */
const WORST = 600
/** Shorter, a slope says nothing. */
const JUDGED = 3600

/** Seconds of `2` (hours), `90s`, `10min`, `24h`. */
function duration(text: string): number {
  const [, number, unit = 'h'] = /^(\d+(?:\.\d+)?)(s|min|h)?$/.exec(text) ?? []
  const length = Number(number) * { s: 1, min: 60, h: 3600 }[unit as 's' | 'min' | 'h']
  if (!(length >= 10)) throw new Error(`SOAK=${text}: hours, or 10s at least, as in SOAK=90s`)
  return length
}

async function soak(): Promise<Check[]> {
  const before = captures()
  const work = mkdtempSync(join(tmpdir(), 'vmpipe-soak-'))
  const heaps = join(work, 'heaps')
  mkdirSync(heaps)
  const collecting = process.env.COLLECT === 'no' ? undefined : { to: heaps, every: collectEvery }
  const pipeline = await startPipeline(work, { most: seconds + 300, collecting })
  process.once('exit', () => pipeline.kill())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  const results = written()
  pipeline.onHistogram(results.take)
  const began = Date.now()
  const from = performance.now()
  const now = () => (performance.now() - from) / 1000
  const samples: Sample[] = []
  const troubles: Trouble[] = []
  const calls: [number, number][] = []
  const look = () => {
    for (const [name, { child }] of pipeline.stages) {
      const one = sample(now(), name, child.pid as number)
      if (one) samples.push(one)
    }
    calls.push([now(), pipeline.seen('host').pairs + pipeline.seen('guest').pairs])
  }
  const looking = setInterval(look, 1000 * every)
  const tell = (what: string) => troubles.push({ what, at: now() })
  if (seconds >= WORST) await worstTrouble(pipeline, calm, tell)
  await makeTrouble(pipeline, seed, calm, () => now() > seconds, tell)
  look()
  clearInterval(looking)
  await sleep(2000)
  const made = await pipeline.end()
  const collections = collected(heaps, samples, began)
  rmSync(work, { recursive: true })

  const of = lives(samples, collections, warm)
  const left = captures().filter((name) => !before.includes(name))
  const died = await deaths(pipeline)
  const checks = [
    ...checkAccounts({ made, host: pipeline.seen('host'), guest: pipeline.seen('guest'), written: results }),
    ...checkMemory(of, seconds >= JUDGED),
    { what: 'nothing is left in tracefs', holds: left.length === 0, figures: left.join(' ') || 'nothing' },
    {
      what: 'every process ended as it was asked to',
      holds: died.length === 0,
      figures: died.join('; ') || 'status 0, or 130 after SIGINT',
    },
  ]
  mkdirSync(folder, { recursive: true })
  const run = { seconds, warm, seed, made, troubles, lives: of, checks, calls, restarts: pipeline.restarts }
  const lines = [...samples, ...collections].map((one) => `${JSON.stringify(one)}\n`)
  writeFileSync(join(folder, 'samples.ndjson'), lines.join(''))
  writeFileSync(join(folder, 'figures.md'), figures(run))
  writeFileSync(join(folder, 'soak.svg'), plot(run))
  return checks
}

/** Who did not end well, and what it said. */
async function deaths({ stages }: Pipeline): Promise<string[]> {
  const all = await Promise.all(
    [...stages.values()].map(async ({ name, ended, err }) => ({ name, err, status: await ended })),
  )
  const asked = (name: string) => (/^(capture-host|guest pull)$/.test(name) ? 130 : 0)
  return all
    .filter(({ name, status }) => status !== asked(name))
    .map(({ name, status, err }) => `${name}: ${status} ${err.slice(-200)}`)
}

const checks = await soak()
for (const { what, holds, figures } of checks) console.log(`${holds ? 'holds ' : 'BROKEN'}  ${what}: ${figures}`)
process.exitCode = checks.every(({ holds }) => holds) ? 0 : 1
