/**
 * Coverage-guided fuzzing of all that reads what others wrote.
 *
 *     npm run fuzz                              every target for 20 seconds (FUZZ=), from seed 1 (SEED=)
 *     npm run fuzz -- record pages              these
 *     KEEP=1 npm run fuzz                       and the inputs that show the most are the new corpus
 *
 * A failure is printed with its input, which stands in dist/fuzz/TARGET/failure too; put into test/fuzz/corpus/TARGET
 * it is tried by each `npm test` from then on.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fuzz } from './running.js'
import { targets } from './targets.js'

const seconds = Number(process.env.FUZZ ?? 20)
const seed = Number(process.env.SEED ?? 1)
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(targets)

for (const target of wanted) {
  if (!Object.hasOwn(targets, target))
    throw new Error(`no target ${target}; there are ${Object.keys(targets).join(', ')}`)
  const folder = join('dist/fuzz', target)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  mkdirSync('test/fuzz/corpus', { recursive: true })
  const corpus = join('test/fuzz/corpus', target)
  if (existsSync(corpus)) copyFileSync(corpus, join(folder, 'corpus'))
  const { failure, execs, bytes, features, kept } = await fuzz('dist/fuzz/worker.mjs', target, folder, {
    cases: 0,
    ms: seconds * 1000,
    seed,
  })
  console.log(`${target}: ${execs} cases, ${bytes} bytes, ${features} features, ${kept} inputs in the corpus`)
  if (failure === undefined) {
    if (process.env.KEEP) copyFileSync(join(folder, 'fewest'), corpus)
    continue
  }
  console.log(`${target}, seed ${seed}: ${failure}`)
  process.exitCode = 1
}
