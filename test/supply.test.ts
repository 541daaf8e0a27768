/**
 * What is handed out: a package that runs nothing when it is installed and needs nothing else, with the licences of all
 * that stands in its bundles; filters that need no privilege, and files that are their owner's alone.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { printed, records } from './hostile/consumers.js'
import { host } from './hostile/promises.js'

const packageJson = JSON.parse(readFileSync('package.json', 'utf8'))
const lock: Record<string, { integrity?: string; hasInstallScript?: boolean; license?: string }> = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
).packages

describe('the package', () => {
  test('has no dependencies, and no script that runs where it is installed', () => {
    for (const member of ['dependencies', 'optionalDependencies', 'bundleDependencies'])
      assert.equal(packageJson[member], undefined, member)
    const { peerDependencies = {}, peerDependenciesMeta = {} } = packageJson
    for (const peer of Object.keys(peerDependencies)) assert.equal(peerDependenciesMeta[peer]?.optional, true, peer)
    for (const script of ['preinstall', 'install', 'postinstall'])
      assert.equal(packageJson.scripts[script], undefined, script)
  })

  test('is published with its provenance', () => {
    assert.equal(packageJson.publishConfig?.provenance, true)
  })

  test('is built from packages whose contents the lock file fixes', () => {
    const packages = Object.entries(lock).filter(([path]) => path !== '')
    assert.ok(packages.length > 50)
    for (const [path, { integrity }] of packages) assert.match(integrity ?? '', /^sha512-/, path)
    // esbuild's only looks whether its binary runs: npm ci --ignore-scripts does as well
    const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)
    assert.deepEqual(scripts, ['node_modules/esbuild'])
  })

  test('has the licence of each package in its bundles, all of which allow that', () => {
    const heads = [...readFileSync('dist/LICENSES', 'utf8').matchAll(/^(@?[\w/.-]+) \d+\.\d+\.\d+\S*: (.+)$/gm)]
    const names = heads.map(([, name]) => name)
    for (const name of ['yargs', 'shell-quote', 'stream-json', 'hdr-histogram-js', 'peggy', 'assemblyscript'])
      assert.ok(names.includes(name), name)
    for (const [, name, license] of heads)
      assert.match(license as string, /^\(?(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|Unlicense|MIT AND Zlib)\)?$/, name)
  })
})

const isRoot = process.getuid?.() === 0
const setpriv = spawnSync('setpriv', ['--version']).error === undefined
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs', '--bounding-set=-all']

describe('without privilege', { skip: isRoot && setpriv ? false : 'needs root, and setpriv' }, () => {
  test('analysis runs as nobody, in a pipeline and in one process', () => {
    // where nobody may read it
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-nobody-'))
    try {
      const copied = spawnSync('bash', [
        '-c',
        `chmod 755 ${folder} && cp -r dist/bin dist/lib dist/package.json ${folder}/`,
      ])
      assert.equal(copied.status, 0)
      const bin = join(folder, 'bin')
      const events = ['{"ts":"5","event":"a","pid":1}', '{"ts":"9","event":"b","pid":1}'].join('\n')
      for (const command of [
        `${bin}/where 1 | ${bin}/pair a b | ${bin}/histo -q`,
        `${bin}/vmpipe 'where 1 | pair a b | histo -q'`,
      ]) {
        const { status, stdout } = spawnSync('setpriv', [...nobody, 'bash', '-c', command], {
          input: events,
          encoding: 'utf8',
          cwd: '/',
        })
        assert.equal(status, 0, command)
        assert.match(stdout, /a => b/, command)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('so does every tool that reads a recording', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-nobody-'))
    try {
      for (const part of ['bin', 'lib', 'package.json'])
        cpSync(join('dist', part), join(folder, part), { recursive: true })
      writeFileSync(join(folder, 'recording'), host(200))
      spawnSync('chmod', ['-R', 'a+rX', folder])
      for (const line of [...records, ...printed]) {
        const words = line.replaceAll('%', join(folder, 'recording')).split(' ')
        const [tool = '', ...args] = words
        const { status, stderr } = spawnSync('setpriv', [...nobody, join(folder, 'bin', tool), ...args], {
          encoding: 'utf8',
          cwd: '/',
        })
        assert.ok(status === 0 || status === 1, `${line}: ${status} ${stderr}`)
        assert.doesNotMatch(stderr, /permi|root|denied|EACCES|EPERM/, line)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what is made for others to see', () => {
  test('a unix socket is for its owner alone, TCP for this machine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-mode-'))
    const path = join(folder, 'socket')
    // where the user's own mask hides nothing
    const said = spawnSync(
      'bash',
      [
        '-c',
        `umask 0; { push unix:${path} < <(sleep 60) & a=$!; push tcp:0 < <(sleep 60) & b=$!
         while [ ! -S ${path} ]; do sleep 0.02; done; stat -c %a ${path}; } 2>${folder}/said
         while ! grep -q 'listens on 1' ${folder}/said; do sleep 0.02; done; kill -9 $a $b; cat ${folder}/said`,
      ],
      {
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}` },
      },
    )
    rmSync(folder, { recursive: true })
    assert.match(said.stdout, /^600\n/)
    assert.match(said.stdout, /listens on 127\.0\.0\.1:\d+\n/)
  })

  test('a recording is for its owner alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-mode-'))
    try {
      const input = join(folder, 'input')
      writeFileSync(input, '{"ts":"5","event":"a"}\n')
      const out = join(folder, 'out')
      assert.equal(spawnSync(resolve('dist/bin/push'), [out, input]).status, 0)
      assert.ok(existsSync(out))
      assert.equal((statSync(out).mode & 0o777).toString(8), '600')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('so are the files of export, whatever the mask', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-mode-'))
    try {
      const input = join(folder, 'input')
      writeFileSync(input, host(20))
      for (const [form, out] of [
        ['duckdb', 'a.duckdb'],
        ['parquet', 'tables'],
      ])
        assert.equal(
          spawnSync('bash', ['-c', `umask 0; dist/bin/export ${form} --out ${join(folder, out as string)} ${input}`])
            .status,
          0,
        )
      const made = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name !== 'input')
      assert.ok(made.length > 3, made.join())
      for (const name of made) {
        const stat = statSync(join(folder, name))
        assert.equal((stat.mode & 0o777).toString(8), stat.isDirectory() ? '700' : '600', name)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
