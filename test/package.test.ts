/**
 * The package as its user has it: packed, installed with `npm i -g` where nothing else is, its tools run and its pages
 * are read by man(1). No network is needed, for it depends on nothing.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, normalize } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from './support/needs.js'

const { bin, man } = JSON.parse(readFileSync('package.json', 'utf8'))

describe('the package', { skip: without('npm') }, () => {
  const work = mkdtempSync(join(tmpdir(), 'vmpipe-package-'))
  after(() => rmSync(work, { recursive: true }))
  const prefix = join(work, 'prefix')
  let files: string[] = []

  const npm = (...args: string[]) =>
    execFileSync('npm', [...args, '--offline', '--cache', join(work, 'cache'), '--loglevel', 'error'], {
      encoding: 'utf8',
    })

  before(() => {
    // what is built is tested; building again would change it below the other tests
    const [packed] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', work))
    files = packed.files.map(({ path }: { path: string }) => path)
    npm('install', '--global', '--prefix', prefix, join(work, packed.filename))
  })

  test('holds what a user needs, and no source, test, or file that an example wrote', () => {
    const kept =
      /^(?:dist\/(?:bin\/[\w-]+|lib\/[\w-]+\.js|LICENSES|package\.json)|man\/[\w-]+\.\d|examples\/.+|[A-Z]+(?:\.md)?|package\.json)$/
    assert.deepEqual(
      files.filter((path) => !kept.test(path) || /\.(?:map|ndjson|html|ts|mjs|parquet)$|trace\.json$/.test(path)),
      [],
    )
    for (const page of readdirSync('man')) assert.ok(files.includes(`man/${page}`))
    for (const unit of readdirSync('examples/systemd')) assert.ok(files.includes(`examples/systemd/${unit}`))
  })

  test('its documents refer to nothing that it lacks, save how to change it', () => {
    for (const path of files.filter((path) => path.endsWith('.md')))
      for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(/\]\(([^)#\s:]+)\)/g)) {
        const wanted = normalize(join(dirname(path), target))
        assert.ok(files.includes(wanted) || wanted === 'CONTRIBUTING.md', `${path}: ${target}`)
      }
  })

  test('its tools run', () => {
    const env = { PATH: `${join(prefix, 'bin')}:${process.env.PATH}` }
    for (const tool of Object.keys(bin))
      assert.match(execFileSync(tool, ['--version'], { cwd: work, env, encoding: 'utf8' }), /^\d+\.\d+\.\d+\n$/)
    const events = execFileSync('parse', [], { cwd: work, env, input: readFileSync('examples/data/irqfd.dat') })
    assert.match(events.toString(), /"irqfd_inject"/)
  })

  test('man finds its pages', { skip: without('man') }, () => {
    for (const path of man) {
      const [, name = '', section = ''] = /^(.*)\.(\d)$/.exec(basename(path)) ?? []
      const env = { PATH: process.env.PATH, MANPATH: join(prefix, 'share/man'), MANPAGER: 'cat', LC_ALL: 'C.UTF-8' }
      const page = execFileSync('man', [section, name], { env, encoding: 'utf8' })
      assert.ok(page.startsWith(`${name.toUpperCase()}(${section})`), `${name}(${section}): ${page.slice(0, 80)}`)
    }
  })
})
