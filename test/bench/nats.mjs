/**
 * A fleet through NATS on this machine: what a publisher, a server and workers do a second, and what an event costs.
 *
 *     npm run bench -- --nats [EVENTS]   1,000,000
 *
 * The server, the publishers and the workers share this machine's cores: the CPU time of each says what it would do on
 * cores of its own. nats-server has to be installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const work = mkdtempSync(join(tmpdir(), 'vmpipe-bench-nats-'))
const env = { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C' }
const TICKS = 100

/** A recording: calls of `threads` threads, each a start and an end, in the order of time. */
function recording(name, events, threads, seed = 1) {
  const lines = []
  for (let i = 0; i < events; i++) {
    const call = i >> 1
    const pid = 1000 + ((call * 7 + seed) % threads)
    const event = i & 1 ? 'raw_syscalls:sys_exit' : 'raw_syscalls:sys_enter'
    const ts = 900_000_000_000_000n + BigInt(i) * 700n
    lines.push(
      `{"ts":"${ts}","src":"host","event":"${event}","cpu":${pid & 3},"pid":${pid},"comm":"qemu-system-x86","args":{"id":${call % 300}}}`,
    )
  }
  writeFileSync(join(work, name), `${lines.join('\n')}\n`)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** CPU seconds of a process and its threads so far. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

async function server() {
  const port = await freePort()
  const store = mkdtempSync(join(work, 'store-'))
  const child = spawn('nats-server', ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', store], { stdio: 'ignore' })
  await once(child, 'spawn')
  await sleep(500)
  return {
    url: `nats://127.0.0.1:${port}/FLEET`,
    cpu: () => cpuOf(child.pid),
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      rmSync(store, { recursive: true })
    },
  }
}

/** Commands at the same time: wall and CPU seconds of all of them. */
async function together(commands) {
  const begin = performance.now()
  const runs = await Promise.all(
    commands.map(async (command) => {
      const child = spawn('bash', ['-o', 'pipefail', '-c', `TIMEFORMAT='CPU %U %S'; time { ${command}; }`], {
        cwd: work,
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      child.stderr.on('data', (piece) => {
        said += piece
      })
      const [status] = await once(child, 'close')
      const [, user, system] = /^CPU ([\d.]+) ([\d.]+)$/m.exec(said) ?? []
      if (status !== 0 || user === undefined) throw new Error(`${command}\n${said}`)
      return Number(user) + Number(system)
    }),
  )
  return { wall: (performance.now() - begin) / 1000, cpu: runs.reduce((sum, one) => sum + one, 0) }
}

function line(name, events, { wall, cpu }, server) {
  const each = (seconds) => `${((seconds / events) * 1e6).toFixed(2)} us`
  console.log(
    `  ${name.padEnd(44)} ${Math.round(events / wall / 1000)
      .toString()
      .padStart(5)} k/s   an event: ${each(cpu)} CPU of ours, ${each(server)} of the server`,
  )
}

async function measured(name, events, at, commands) {
  const before = at.cpu()
  const times = await together(commands)
  line(name, events, times, at.cpu() - before)
  return times
}

const PAIR = 'pair -q raw_syscalls:sys_enter raw_syscalls:sys_exit'

export async function natsBench(events) {
  if (spawnSync('nats-server', ['--version']).error) throw new Error('nats-server is not installed')
  recording('all.ndjson', events, 64)
  const half = events / 2
  recording('first.ndjson', half, 64, 1)
  recording('second.ndjson', half, 64, 2)
  const size = statSync(join(work, 'all.ndjson')).size / events
  console.log(`\nthrough NATS, ${events} events of ${Math.round(size)} bytes, two nodes`)

  const alone = await together(['push -q x.out all.ndjson'])
  line('push to a file, for comparison', events, alone, 0)
  for (const partitions of [1, 2, 8]) {
    const at = await server()
    const push = (node, input) =>
      `push -q --create --stream-size 4096 --partitions ${partitions} ${at.url}/fleet.${node}.host ${input}`
    const parts = partitions === 1 ? '1 partition' : `${partitions} partitions`
    await measured(`1 publisher, ${parts}`, half, at, [push('node1', 'first.ndjson')])
    await measured(`1 publisher more, ${parts}`, half, at, [push('node2', 'second.ndjson')])
    const worker = (k, name) =>
      `vmpipe 'pull -q --worker ${name} ${partitions > 1 ? `--partition ${k}/${partitions} ` : ''}${at.url} | ${PAIR}'`
    const all = Array.from({ length: partitions }, (_, k) => k + 1)
    const one = all.map((k) => worker(k, 'one')).join(' && ')
    const alone = await measured(`1 worker, ${parts}${partitions > 1 ? ', one after another' : ''}`, events, at, [one])
    if (partitions > 1) {
      const two = [0, 1].map((rest) =>
        all
          .filter((k) => k % 2 === rest)
          .map((k) => worker(k, 'two'))
          .join(' && '),
      )
      const both = await measured(`2 workers, ${parts}`, events, at, two)
      console.log(`  ${''.padEnd(44)} 2 workers to 1: ${(alone.wall / both.wall).toFixed(2)} x`)
    }
    await at.stop()
  }

  const at = await server()
  const both = ['node1 first.ndjson', 'node2 second.ndjson'].map((words) => words.split(' '))
  await measured(
    '2 publishers at the same time',
    events,
    at,
    both.map(([node, input]) => `push -q --create --stream-size 4096 ${at.url}/fleet.${node}.host ${input}`),
  )
  await measured('1 worker that only reads', events, at, [`pull -q ${at.url} >/dev/null`])
  await measured('1 worker that writes a file by --resume', events, at, [
    `vmpipe 'pull -q --worker file --resume out.ndjson ${at.url} | ${PAIR}' >>out.ndjson`,
  ])
  await at.stop()

  const few = Math.min(events, 20_000)
  recording('few.ndjson', few, 64)
  const slow = await server()
  await measured('an event at a time (--interval 0ms), one line a write', few, slow, [
    `awk '{ print; fflush() }' few.ndjson | push -q --create --interval 0ms ${slow.url}/fleet.node1.host`,
  ])
  await slow.stop()
  rmSync(work, { recursive: true })
}
