/**
 * A process of the fuzzer: `worker.mjs TARGET FOLDER SEED CASES MS`. Runs the corpus, then changed inputs of it, as
 * many or as long. FOLDER has `corpus`, to which what shows something new is added, and `at`, the input at hand, for
 * whoever finds this process hung or dead. Prints a JSON object a line: how far it is, and a failure, with the
 * smallest input found that shows it (FOLDER/failure).
 */
import { ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { inUse } from '../../lib/wire/memory.js'
import { random } from '../faults/random.js'
import { readCorpus, writeCorpus } from './corpus.js'
import { coverage } from './coverage.js'
import { mutate } from './mutate.js'
import { type Target, UsedUp } from './target.js'
import { targets } from './targets.js'

const [name = '', folder = '', seed = '1', cases = '0', ms = '0'] = process.argv.slice(2)
const tell = (told: object) => writeSync(1, `${JSON.stringify(told)}\n`)
const USED_UP = 100 << 20

/** Why the input breaks a promise; undefined: it does not. */
async function broken(target: Target, input: Buffer): Promise<string | undefined> {
  try {
    await target.run(input)
    return undefined
  } catch (error) {
    if (error instanceof UsedUp || /no room for the name|256 MiB of lines/.test(String(error))) throw new UsedUp()
    return String((error as Error).stack ?? error)
  }
}

/** The same failure, of the fewest bytes that a few seconds find. */
async function smallest(target: Target, input: Buffer, why: string): Promise<Buffer> {
  const kind = kindOf(why)
  const until = Date.now() + 5000
  let best = input
  for (let size = best.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < best.length && Date.now() < until; ) {
      const less = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      const again = await broken(target, less)
      if (again !== undefined && kindOf(again) === kind) best = less
      else at += size
    }
  return best
}

/** What is told of failures that are the same but for their values: the first words, and where it was thrown. */
function kindOf(why: string): string {
  return `${why.split('\n', 1)[0]?.split(/[:"]/, 1)[0]} ${/\n +at (.*)/.exec(why)?.[1]}`
}

const target = (await targets[name]?.()) as Target
const map = coverage()
const chance = random(Number(seed))
const at = openSync(join(folder, 'at'), 'w')
const kept = readCorpus(join(folder, 'corpus'))
const told = { execs: 0, bytes: 0 }
const begun = Date.now()

async function tryOut(input: Buffer, isNew: boolean): Promise<boolean> {
  ftruncateSync(at, input.length)
  writeSync(at, input, 0, input.length, 0)
  map.begin()
  const why = await broken(target, input)
  told.execs++
  told.bytes += input.length
  if (why !== undefined) {
    const small = await smallest(target, input, why)
    writeFileSync(join(folder, 'failure'), small)
    tell({ ...told, failure: why.slice(0, 1500), input: small.toString('latin1').slice(0, 1000) })
    return false
  }
  if (map.learn() && isNew) kept.push(input)
  return true
}

async function loop(): Promise<void> {
  for (const input of [...target.seeds(), ...kept]) if (!(await tryOut(input, false))) return
  const first = [...target.seeds()]
  let next = Date.now() + 1000
  for (let n = 0; n < Number(cases) || Date.now() < begun + Number(ms); n++) {
    const all = kept.length + first.length
    // what came last is the furthest
    const index = chance.below(3) ? chance.below(all) : all - 1 - chance.below(Math.min(all, 20))
    const parent = index < first.length ? first[index] : kept[index - first.length]
    const others = chance.below(2) ? kept : first
    if (!(await tryOut(mutate(parent as Buffer, chance, target.words, others, target.longest), true))) return
    if (inUse() > USED_UP) throw new UsedUp()
    if (Date.now() > next) {
      tell({ ...told, features: map.size, kept: kept.length })
      next = Date.now() + 1000
    }
  }
  tell({ ...told, features: map.size, kept: kept.length, done: true })
}

/** What is kept of a corpus, in bytes: it stands in the repository, and each test goes through it. */
const KEPT = 48 << 10

/** The smallest inputs that together go every way that all of them go, beside the seeds. */
async function fewest(): Promise<Buffer[]> {
  const ways = new Set<number>()
  const chosen: Buffer[] = []
  let left = KEPT
  for (const input of [...target.seeds(), ...kept.toSorted((a, b) => a.length - b.length)]) {
    map.begin()
    if ((await broken(target, input)) !== undefined) continue
    const before = ways.size
    for (const feature of map.features()) ways.add(feature >> 4)
    if (ways.size === before || !kept.includes(input)) continue
    left -= JSON.stringify(input.toString('latin1')).length
    if (left < 0) break
    chosen.push(input)
  }
  return chosen
}

try {
  await loop()
} catch (error) {
  if (!(error instanceof UsedUp)) throw error
  tell({ ...told, features: map.size, kept: kept.length, usedUp: true })
}
writeCorpus(join(folder, 'corpus'), kept)
if (process.env.KEEP) writeCorpus(join(folder, 'fewest'), await fewest())
