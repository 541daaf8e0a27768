/**
 * What the system refuses: reads and writes that fail at some call, and disks that are full. strace injects the errors
 * into a real process, at its calls on one path only. What holds: one message, status 1, and what came out is the
 * beginning of what should have come; where the system says "again", all of it comes.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { numberedEvents } from './faults/numbered-events.js'
import { random } from './faults/random.js'

const length = Number(process.env.FAULTS ?? 1)
const { below } = random(Number(process.env.SEED ?? 1))
const folder = mkdtempSync(join(tmpdir(), 'vmpipe-inject-'))
after(() => rmSync(folder, { recursive: true }))

const LINES = 30_000
const input = join(folder, 'input.ndjson')
writeFileSync(input, numberedEvents(LINES))
const text = join(folder, 'trace.txt')
writeFileSync(
  text,
  Array.from({ length: LINES }, (_, i) => `          comm-7       [000] d..2. ${1000 + i}: e: i=${i}\n`).join(''),
)

/** What each writes is more than 64 KiB, and comes in several writes or one. */
const tools: [command: string, reads: string][] = [
  [`where -q 1 ${input}`, input],
  [`key-map -q -k a:start=i ${input}`, input],
  [`order -q ${input}`, input],
  [`pair -q a:start a:end -- ${input}`, input],
  [`show -q ${input}`, input],
  [`parse -q ${text}`, text],
  [`vmpipe export -q perfetto ${input}`, input],
  [`report -q ${input}`, input],
  [`pull -q --no-retry ${input}`, input],
  [`vmpipe 'where -q 1 ${input} | pair -q a:start a:end'`, input],
]

interface Ended {
  status: number | null
  stderr: string
}

function run(command: string): Ended {
  const { status, stderr } = spawnSync('bash', ['-c', command], {
    env: { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}` },
    encoding: 'utf8',
    timeout: 120_000,
  })
  return { status, stderr }
}

/** The tool with calls on a path that end with an error; `when` as strace has it: `3`, `1+2`. */
function injected(command: string, path: string, calls: string, error: string, when: string): Ended {
  const inject = `-e trace=${calls} -e inject=${calls}:error=${error}:when=${when}`
  return run(`strace -f -qq -o /dev/null -P ${path} ${inject} bash -c ${JSON.stringify(`exec ${command}`)}`)
}

const READS = 'read,pread64,readv,preadv'
const WRITES = 'write,pwrite64,writev'

function assertSaid({ status, stderr }: Ended, message: RegExp, what: string): void {
  assert.equal(status, 1, `${what}: ${stderr}`)
  assert.match(stderr, message, what)
  for (const line of stderr.split('\n').slice(0, -1)) assert.match(line, /^[a-z-]+: /, `${what}: ${stderr}`)
}

/** Why nothing can be injected here. */
function noStrace(): string | false {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  return status === 0 ? false : 'strace is not installed, or may not trace'
}

describe('a path that cannot be read', () => {
  for (const [command, reads] of tools)
    test(command.replaceAll(folder, '…'), () => {
      // the page at address 0 of a process
      const ended = run(`${command.replace(reads, '/proc/self/mem')} >/dev/null`)
      assertSaid(ended, /input\/output error/, command)
    })
})

describe('injected', { skip: noStrace() }, () => {
  for (const [command, reads] of tools) {
    const name = command.replaceAll(folder, '…')
    test(`a read that fails: ${name}`, () => {
      for (let n = 0; n < length; n++) {
        const when = 1 + below(4)
        const ended = injected(`${command} >/dev/null`, reads, READS, 'EIO', String(when))
        assertSaid(ended, /input\/output error/, `${command}, read ${when}`)
      }
    })

    test(`a write that fails: ${name}`, () => {
      const out = join(folder, 'out')
      assert.equal(run(`${command} >${out}`).status, 0)
      const whole = readFileSync(out)
      assert.ok(whole.length > 1 << 16)
      for (let n = 0; n < length; n++) {
        const [error, message] = below(2)
          ? ['ENOSPC', /no space left on the device\n$/]
          : ['EIO', /input\/output error\n$/]
        const when = 1 + below(Math.min(4, Math.ceil(whole.length / (1 << 19))))
        const ended = injected(`${command} >${out}`, out, WRITES, error as string, String(when))
        assertSaid(ended, message as RegExp, `${command}, write ${when}, ${error}`)
        const came = readFileSync(out)
        assert.ok(
          came.length < whole.length && whole.subarray(0, came.length).equals(came),
          `${command}, write ${when}`,
        )
      }
    })

    test(`calls that are to be made again: ${name}`, () => {
      const out = join(folder, 'out')
      run(`${command} >${out}`)
      const whole = readFileSync(out)
      for (const error of ['EAGAIN', 'EINTR']) {
        const ended = injected(`${command} >${out}`, out, WRITES, error, '1+2')
        assert.deepEqual(ended, { status: 0, stderr: '' }, `${command}, ${error}`)
        assert.ok(readFileSync(out).equals(whole), `${command}, ${error}`)
      }
    })
  }
})

const mounts = spawnSync('unshare', ['-rm', 'true']).status === 0

describe('a full disk', { skip: mounts ? false : 'no mount namespace of its own' }, () => {
  const sizes = [1, 2, 4, 8, 16].map((pages) => pages * 4096)
  for (const [command] of [...tools, [`push -q OUT ${input}`, input]] as const)
    test(command.replaceAll(folder, '…'), () => {
      const size = sizes[below(sizes.length)] as number
      const goes = command.includes('OUT') ? command.replace('OUT', '/mnt/out') : `${command} >/mnt/out`
      const kept = join(folder, 'kept')
      const ended = run(
        `unshare -rm sh -c ${JSON.stringify(`mount -t tmpfs -o size=${size} none /mnt; ${goes}; status=$?; cat /mnt/out >${kept}; exit $status`).replaceAll('$', '\\$')}`,
      )
      assertSaid(ended, /no space left on the device\n$/, command)
      const came = readFileSync(kept)
      assert.ok(came.length <= size)
    })
})
