/**
 * Nothing about a tool is missing, and nothing that stands in two places differs: for each file in tools/ a
 * man page whose generated parts are what the options make, a narrated example, golden cases, its name in
 * package.json and in the README's list.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import allTools from 'all-tools'
import { options, synopsis } from '../lib/cli/manual.js'

const names = readdirSync('tools')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
const load: typeof allTools = { ...allTools, vmpipe: () => import('../tools/vmpipe.js') }
const packageJson = JSON.parse(readFileSync('package.json', 'utf8'))
const readme = readFileSync('README.md', 'utf8')
const mandoc = spawnSync('mandoc', ['-Tlint'], { input: '' }).error === undefined

const CASES = 5

for (const name of names) {
  describe(name, () => {
    const page = join('man', `${name}.1`)

    test('has a man page, with its options as they are (npm run docs)', async () => {
      const { default: tool } = await (load[name] as (typeof allTools)[string])()
      const text = readFileSync(page, 'utf8')
      assert.equal(generated(text, 'SYNOPSIS'), synopsis(tool))
      assert.equal(generated(text, 'OPTIONS'), options(tool))
    })

    test('says in its page what it reads and writes, and what can mislead', () => {
      const text = readFileSync(page, 'utf8')
      for (const section of ['DESCRIPTION', 'FIELDS', 'EXAMPLES', 'CAVEATS', 'OVERHEAD', 'SEE ALSO'])
        assert.match(text, new RegExp(`^\\.Sh ${section}$`, 'm'), `${page} has no ${section}`)
    })

    test('has a narrated example', () => assert.ok(existsSync(join('examples', `${name}.md`))))

    test('has golden cases', () => {
      const cases = readdirSync(join('test/cases', name)).filter((entry) =>
        existsSync(join('test/cases', name, entry, 'cmd')),
      )
      assert.ok(cases.length >= CASES, `${cases.length} are fewer than ${CASES}`)
    })

    test('is in package.json', () => {
      assert.equal(packageJson.bin[name], `dist/bin/${name}`)
      assert.ok(packageJson.man.includes(page))
    })

    test("is in the README's list", () => assert.ok(readme.includes(`| [${name}](examples/${name}.md)`)))
  })
}

test('the walk from a slow guest to the answer comes by every tool', () => {
  const walk = readFileSync('examples/a-guest-is-slow.md', 'utf8')
  assert.deepEqual(
    names.filter((name) => !walk.includes(`[${name}](${name}.md)`)),
    [],
  )
})

describe('man pages', () => {
  for (const file of readdirSync('man'))
    test(`mandoc has nothing to say about ${file}`, { skip: mandoc ? false : 'mandoc is not installed' }, () => {
      const { stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-Wwarning', join('man', file)], { encoding: 'utf8' })
      assert.equal(stdout + stderr, '')
      // `.Ql a No or Ql b` is one quote in another, and a heading that begins with a macro's name is that macro's
      const { stdout: shown } = spawnSync('mandoc', ['-Tutf8', '-Owidth=990', join('man', file)], { encoding: 'utf8' })
      assert.doesNotMatch(shown.replaceAll(/.[\b]/g, ''), /‘[^’\n]*‘|^ +<\w+>/m)
    })

  test('the wire format has one', () => assert.ok(packageJson.man.includes('man/vmpipe-wire.5')))
})

function generated(page: string, part: string): string | undefined {
  return new RegExp(`^\\.\\\\" BEGIN GENERATED ${part}\\n([\\s\\S]*?)\\n\\.\\\\" END GENERATED ${part}$`, 'm').exec(
    page,
  )?.[1]
}
