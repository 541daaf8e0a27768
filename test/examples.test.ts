/**
 * The narrated examples, and the README: each ```sh block that a ```text block follows is run in examples/
 * (the README's in the root), and must print exactly that. ```sh needs=PROGRAM is skipped where that is not installed, needs=tracing where this machine cannot be traced.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { without } from './support/needs.js'
import { cannotTrace } from './support/tracing.js'

const env = {
  ...process.env,
  PATH: `${resolve('dist/bin')}:${process.env.PATH}`,
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  NO_COLOR: '1',
}
const block = /^```sh(?: needs=(\S+))?\n([\s\S]*?)^```\n+^```text\n([\s\S]*?)^```$/gm

/** `needs=tracing`, `needs=qemu-ga` */
function lacking(need: string | undefined): string | false {
  if (need === undefined) return false
  return need === 'tracing' ? cannotTrace() : without(need)
}

const documents = [
  { path: 'README.md', cwd: '.' },
  ...readdirSync('examples')
    .filter((name) => name.endsWith('.md'))
    .map((name) => ({ path: join('examples', name), cwd: 'examples' })),
]

for (const { path, cwd } of documents) {
  describe(path, () => {
    const blocks = [...readFileSync(path, 'utf8').matchAll(block)]
    test('has something to run', () => assert.notEqual(blocks.length, 0))
    for (const [whole, program, command = '', wanted = ''] of blocks) {
      // the two commands of a fresh clone are run by whoever runs this
      if (command.includes('npm ci') && !command.includes('npm start')) continue
      test(command.split('\n')[0] ?? '', { skip: lacking(program) }, () => {
        const script = `exec 2>&1; ${command.replace('npm ci && npm start', 'npm start --silent')}`
        const { stdout, error } = spawnSync('bash', ['-c', script], {
          cwd,
          env,
          encoding: 'utf8',
          maxBuffer: 1 << 28,
          timeout: 120_000,
        })
        assert.equal(error, undefined)
        if (process.env.UPDATE) {
          const text = readFileSync(path, 'utf8')
          writeFileSync(
            path,
            text.replace(whole, () => whole.replace(/```text\n[\s\S]*```$/, () => `\`\`\`text\n${stdout}\`\`\``)),
          )
        } else assert.equal(stdout, wanted)
      })
    }
  })
}
