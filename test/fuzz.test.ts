/**
 * The fuzzer's short form: its whole corpus, what was found with it among that, and some inputs more, without coverage.
 * `npm run fuzz` is the long one.
 */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readCorpus } from './fuzz/corpus.js'
import { fuzz } from './fuzz/running.js'
import { targets } from './fuzz/targets.js'

const CASES = 200

describe('fuzzing', { concurrency: 2 }, () => {
  for (const target of Object.keys(targets))
    test(target, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fuzz-'))
      const corpus = join('test/fuzz/corpus', target)
      try {
        assert.ok(existsSync(corpus), `${corpus} is missing: KEEP=1 npm run fuzz -- ${target}`)
        copyFileSync(corpus, join(folder, 'corpus'))
        const { failure, execs, bytes } = await fuzz('dist/test/fuzz/worker.mjs', target, folder, {
          cases: CASES,
          ms: 0,
          seed: 1,
        })
        t.diagnostic(`${execs} cases, ${bytes} bytes`)
        assert.equal(failure, undefined)
        assert.ok(execs >= CASES + readCorpus(corpus).length)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
})
