/**
 * Processes whose surroundings break: pipes closed at every moment, full disks, readers that sleep, descriptors that
 * are made non-blocking, stops and kills. What holds: a status of 0, 1 or 2; messages of the tool, never a stack;
 * no hang; memory below a limit; what came out is whole lines of what should come.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { numberedEvents } from './faults/numbered-events.js'
import { shell, strange } from './faults/processes.js'
import { random } from './faults/random.js'

const length = Number(process.env.FAULTS ?? 1)
const { below } = random(Number(process.env.SEED ?? 1))
const folder = mkdtempSync(join(tmpdir(), 'vmpipe-faults-'))
after(() => rmSync(folder, { recursive: true }))

const LINES = 40_000
const input = join(folder, 'input.ndjson')
writeFileSync(input, numberedEvents(LINES))

const tools = [`where 1 ${input}`, `order ${input}`, `pair a:start a:end -- ${input}`, `show ${input}`]
/** All others, whose pipe is closed once each while the bench is short. */
const others = [
  `key-map -k a:start=i ${input}`,
  `tsc-align ${input}`,
  `chain a:start[pid] [pid]a:end -- ${input}`,
  `pull --no-retry ${input}`,
  `graph ${input}`,
  `irq-off ${input}`,
  `vcpu-delay ${input}`,
  `io-path ${input}`,
  `task-state ${input}`,
  `histo ${input}`,
  `stages ${input}`,
  `report ${input}`,
  `vmpipe export perfetto ${input}`,
]
const piped = `vmpipe 'where 1 ${input} | pair a:start a:end | histo --json'`

/** A signal to all of its group; false where that is over. */
function signalled({ pid }: ChildProcess, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-(pid as number), signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

describe('processes', { concurrency: 2 }, () => {
  test('a pipe that is closed after any number of bytes is a quiet end', async () => {
    for (let n = 0; n < 4 * length; n++)
      for (const tool of n % 4 === 1 ? [...tools, ...others] : tools) {
        const bytes = n === 0 ? 0 : below(3_000_000)
        const [name, ...rest] = tool.split(' ')
        const quiet = name === 'vmpipe' ? `vmpipe export -q ${rest.slice(1).join(' ')}` : `${name} -q ${rest.join(' ')}`
        const ended = await shell(`{ ${quiet}; echo $? >&2; } | head -c ${bytes} | wc -c`)
        assert.equal(ended.stderr, '0\n', `${tool} into head -c ${bytes}`)
      }
  })

  test('a full disk is said, with status 1', async () => {
    for (const tool of [...tools, piped]) {
      const { status, stderr } = await shell(`${tool} > /dev/full`)
      assert.equal(status, 1, tool)
      assert.match(stderr, /: no space left on the device\n$/, tool)
    }
  })

  test('stderr that is closed or full changes nothing else', async () => {
    for (const to of ['2>&-', '2>/dev/full']) {
      const { status, stdout } = await shell(
        `{ echo broken; cat ${input}; } | pair a:start a:end ${to} | grep -c '"type":"pair"'; echo \${PIPESTATUS[1]}`,
      )
      assert.deepEqual([status, stdout], [0, `${LINES / 2}\n1\n`], to)
    }
  })

  test('a reader that sleeps, on a pipe that another process has made non-blocking', async () => {
    // node makes a pipe that it has as stdin non-blocking for all who share it
    const storm = `{ node -e "process.stdout.write('')
      setTimeout(() => {}, 1500)" & ${tools[0]} -q; wait; } | { sleep 1; head -n ${LINES}; } | cmp - ${input}`
    const ended = await shell(storm)
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [0, '', ''])
  })

  test('stopped and continued at random moments, everything comes', async () => {
    const ended = await shell(
      `cat ${input} ${input} ${input} | where 1 | pair a:start a:end | histo --json`,
      async (child) => {
        // a fast machine is done before the last of them
        for (let n = 0; n < 10 && signalled(child, 'SIGSTOP'); n++) {
          await sleep(below(40))
          signalled(child, 'SIGCONT')
          await sleep(below(40))
        }
      },
    )
    assert.deepEqual(strange(ended), [])
    assert.match(ended.stdout, new RegExp(`"pairs":${(3 * LINES) / 2}\\b`))
  })

  test('a sender that is killed at a random moment: whole lines came, in their order, and the cut is told', async () => {
    for (let n = 0; n < 3 * length; n++) {
      const path = join(folder, `s${n}`)
      const ended = await shell(
        `push --wait unix:${path} ${input} 2>/dev/null & sender=$!
         while [ ! -S ${path} ]; do sleep 0.01; done
         { sleep 0.${String(below(300)).padStart(3, '0')}; kill -9 $sender; } &
         pull --no-retry unix:${path}; wait`,
      )
      const indices = [...ended.stdout.matchAll(/"args":\{"i":(\d+)\}\}\n/g)].map(([, i]) => Number(i))
      assert.deepEqual(
        indices,
        indices.map((_, i) => i),
      )
      for (const line of ended.stdout.split('\n').slice(0, -1)) JSON.parse(line)
      if (indices.length < LINES)
        assert.match(ended.stderr, /ended without an end record|ended before anything was sent|nobody listens there/)
    }
  })

  test('ever new keys, threads, names and srcs, a million where the bench runs long: memory stays below 200 MiB', async () => {
    const many = length > 1 ? 1e6 : 2e5
    const lines = (text: string) => `node -e '
      let all = ""
      for (let i = 0; i < ${many}; i++) {
        all += \`${text}\\n\`
        if (all.length > 60000) { require("fs").writeSync(1, all); all = "" }
      }
      require("fs").writeSync(1, all)'`
    const keys = `{"ts":"\${i}","src":"g","event":"a:start","pid":\${i},"key":"k\${i}"}`
    const names = `{"ts":"\${i}","src":"g\${i}","event":"a:\${i}","pid":\${i},"comm":"c\${i}"}`
    const switches = `{"ts":"\${i}","src":"g","event":"sched:sched_switch","cpu":\${i%65536},"pid":\${i},"args":{"prev_comm":"c\${i}","prev_pid":\${i},"prev_state":0,"next_pid":\${i+1},"next_comm":"d"}}`
    const ends = keys.replace('"ts"', '"type":"pair","start":"a","end":"b","delta_ns":5,"start_ts"')
    const met: [string, string, RegExp][] = [
      [keys, 'pair a:start a:end', /starts/],
      [keys, 'chain "a:start[key]" "[key]a:end"', /./],
      [ends, 'histo --keys', /^/],
      [names, 'where 1', /./],
      [names, 'pair a:start a:end', /./],
      [switches, 'task-state', /./],
      [switches, 'vcpu-delay', /./],
    ]
    for (const [text, tool, said] of met) {
      const ended = await shell(`${lines(text)} | NODE_OPTIONS="$PEAK" ${tool} > /dev/null`)
      assert.ok(ended.status === 0 || ended.status === 1, `${tool}: ${ended.status} ${ended.stderr}`)
      assert.deepEqual(strange(ended), [], tool)
      assert.match(ended.stderr, said, tool)
      assert.ok(ended.peak > 0 && ended.peak < 200, `${tool}: ${ended.peak} MiB`)
    }
  })
})
