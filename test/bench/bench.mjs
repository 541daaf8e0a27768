/**
 * Ratios of whole-process CPU time, ours against mawk, jq and Miller on the same lines, and fused against
 * piped. Commands take turns, so that a machine that changes its speed changes it for both.
 *
 *     npm run bench                      generated syscalls, 400,000 events
 *     npm run bench -- DIRECTORY [RUNS]  DIRECTORY/enter.ndjson and exit.ndjson (or .xz)
 *     npm run bench -- --polls [RUNS]    Open vSwitch's polls only, all 9,224,453 lines (else half of them)
 *     npm run bench -- --fleet           a simulated fleet only: how cost and memory grow from 10 to 1,000 guests
 *     npm run bench -- --nats [EVENTS]   publishers, workers and a server of NATS (nats.mjs)
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { fleet } from './fleet.mjs'
import { natsBench } from './nats.mjs'
import { POLLS, writePolls } from './polls.mjs'

const [directory, runsText = '3'] = process.argv.slice(2)
const runs = Number(runsText)
const work = mkdtempSync(join(tmpdir(), 'vmpipe-bench-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
const env = { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C' }

/** CPU seconds (user and system, all processes) of a bash command. */
function cpu(command) {
  const { stderr, status } = spawnSync(
    'bash',
    ['-o', 'pipefail', '-c', `TIMEFORMAT='CPU %U %S'; time { ${command}; } >/dev/null`],
    { cwd: work, env, encoding: 'utf8' },
  )
  const [, user, system] = /^CPU ([\d.]+) ([\d.]+)$/m.exec(stderr) ?? []
  if (status !== 0 || user === undefined) throw new Error(`${command}\n${stderr}`)
  return Number(user) + Number(system)
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** Runs the commands in turn; prints each one's median and its ratio to the first. */
function compare(title, commands) {
  const names = Object.keys(commands)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let run = 0; run <= runs; run++)
    for (const name of names) {
      const seconds = cpu(commands[name])
      if (run > 0) times[name].push(seconds)
    }
  const base = median(times[names[0]])
  console.log(`\n${title}`)
  for (const name of names) {
    const each = times[name].map((t, i) => t / times[names[0]][i])
    console.log(
      `  ${name.padEnd(24)} ${median(times[name]).toFixed(2).padStart(7)} s CPU  ${median(each).toFixed(2).padStart(7)} x  (${Math.min(...each).toFixed(2)} to ${Math.max(...each).toFixed(2)})`,
    )
  }
  return base
}

async function generate() {
  const streams = ['enter', 'exit'].map((name) => createWriteStream(join(work, `${name}.ndjson`)))
  let ts = 922569886619n
  let seed = 1
  const random = (n) => {
    seed = (seed * 48271) % 0x7fffffff
    return seed % n
  }
  for (let i = 0; i < 200_000; i++) {
    ts += BigInt(400 + random(400))
    const head = (event) =>
      `{"ts":"${ts}","src":"host","event":"raw_syscalls:${event}","cpu":${i & 1},"pid":25970,"comm":"dd","args":`
    const more = streams[0].write(
      `${head('sys_enter')}{"id":"${i & 1}","args":["0","140730568429192","1","140357702712944","140730568433254","0"]}}\n`,
    )
    ts += BigInt(800 + random(random(100) === 0 ? 100_000 : 600))
    streams[1].write(`${head('sys_exit')}{"id":"${i & 1}","ret":"1"}}\n`)
    if (!more) await new Promise((done) => streams[0].once('drain', done))
  }
  for (const stream of streams) {
    stream.end()
    await finished(stream)
  }
}

function fetch(from) {
  for (const name of ['enter', 'exit']) {
    const plain = join(resolve(from), `${name}.ndjson`)
    const command = existsSync(plain) ? `cp '${plain}' .` : `xz -dc '${plain}.xz' >${name}.ndjson`
    execFileSync('bash', ['-c', command], { cwd: work, stdio: 'inherit' })
  }
}

const has = (tool) => spawnSync('bash', ['-c', `command -v ${tool}`]).status === 0
/** Only what this machine has. */
const withTools = (commands) =>
  Object.fromEntries(
    Object.entries(commands).filter(([name]) => {
      const tool = name.split(' ')[0]
      if (!['mawk', 'jq', 'mlr', 'gawk'].includes(tool) || has(tool)) return true
      console.log(`${tool} is not here; left out`)
      return false
    }),
  )

/** The most memory that each process of a command had, as node tells at its end. */
function memory(command) {
  const told = join(work, 'memory')
  writeFileSync(
    join(work, 'tell.cjs'),
    `process.on('exit', () => require('fs').appendFileSync(${JSON.stringify(told)}, require('path').basename(process.argv[1]) + ' ' + Math.round(process.resourceUsage().maxRSS / 1024) + ' MB\\n'))`,
  )
  writeFileSync(told, '')
  cpu(`export NODE_OPTIONS="--require ${join(work, 'tell.cjs')}"; ${command}`)
  return readFileSync(told, 'utf8').trim().split('\n')
}

/** The same of each as a number. */
const megabytes = (command) => memory(command).map((line) => ({ mb: Number(line.split(' ')[1]) }))

/** From the last poll to the send: examples/ovs-poll-to-send.md on a recording of half a minute, or a part of it. */
function polls(count) {
  writePolls(join(work, 'polls.txt'), count)
  const number = (field, to) => `split(${field}, t, /[.:]/); ${to} = t[1] * 1e9 + t[2]`
  const poll = '$5 == "probe_ovs:netdev_rxq_recv:" { polls++;'
  const send = '$5 == "probe_ovs:netdev_send:" && ($2 in s) {'
  const summary = `${number('$4', 'now')}; d = now - s[$2]; delete s[$2]; n++; total += d; if (n == 1 || d < min) min = d; if (d > max) max = d; h[int(d / 1000)]++ } END { print polls, n, total, min, max }`
  const mawk = `${poll} ${number('$4', 's[$2]')} } ${send} ${summary}`
  // looks at the time of a poll only where a send follows
  const lazy = `${poll} s[$2] = $4 } ${send} ${number('s[$2]', 's[$2]')}; ${summary}`
  const fused = `vmpipe 'parse -q polls.txt | pair -q netdev_rxq_recv netdev_send | histo'`
  const piped = 'parse -q polls.txt | pair -q netdev_rxq_recv netdev_send | histo'
  compare(
    `Open vSwitch: from the last poll to the send, ${count} lines of perf script`,
    withTools({
      'mawk by hand': `mawk '${mawk}' polls.txt`,
      'mawk, sends only': `mawk '${lazy}' polls.txt`,
      'vmpipe fused': fused,
      'three processes': piped,
    }),
  )
  const output = (command) => execFileSync('bash', ['-c', command], { cwd: work, env, encoding: 'utf8' })
  const { calls, total_ns, min_ns, max_ns } = JSON.parse(output(`${fused.slice(0, -1)} --json' | grep histogram`))
  const ours = [calls, total_ns, min_ns, max_ns].join(' ')
  const theirs = has('mawk') ? output(`mawk '${mawk}' polls.txt`).trim().split(' ').slice(1).join(' ') : ours
  if (ours !== theirs) throw new Error(`calls, total, min and max differ: ${ours}; mawk ${theirs}`)
  console.log(`  calls, total, min and max: ${ours}`)
  console.log(`  at most: fused ${memory(fused).join(', ')}; piped ${memory(piped).join(', ')}`)
}

if (directory === '--polls') polls(POLLS)
else if (directory === '--fleet') fleet(work, cpu, megabytes)
else if (directory === '--nats') await natsBench(Number(process.argv[3] ?? 1_000_000))
else {
  if (directory) fetch(directory)
  else await generate()
  cpu('order -q enter.ndjson exit.ndjson >all.ndjson')
  cpu('head -400000 all.ndjson >some.ndjson')
  // the same events as `perf script` prints them
  cpu(
    `jq -r 'select(.ts) | "\\(.comm) \\(.pid) [00\\(.cpu)] \\(.ts[0:-9]).\\(.ts[-9:]): \\(.event): id=\\(.args.id)"' all.ndjson >all.script`,
  )
  console.log(
    `${execFileSync('bash', ['-c', 'wc -l <all.ndjson'], { cwd: work, encoding: 'utf8' }).trim()} lines; the median of ${runs} runs in turn; node alone: ${median([1, 2, 3, 4, 5].map(() => cpu('node -e 0'))).toFixed(2)} s`,
  )

  const pairing = `{ t = $4; sub(/:$/, "", t); split(t, p, "."); now = p[1] * 1e9 + p[2] } $5 ~ /sys_enter:$/ { s[$2] = now } $5 ~ /sys_exit:$/ && ($2 in s) { d = now - s[$2]; delete s[$2]; n++; total += d; if (d > max) max = d; h[int(d / 100)]++ } END { print n, total, max }`
  compare('order | pair | histo, all lines', {
    'vmpipe fused': `vmpipe 'order -q enter.ndjson exit.ndjson | pair -q sys_enter sys_exit | histo'`,
    'three processes': 'order -q enter.ndjson exit.ndjson | pair -q sys_enter sys_exit | histo',
  })
  compare(
    'a filter that passes, 400,000 lines',
    withTools({
      where: `where -q 'cpu >= 0' some.ndjson`,
      jq: `jq -c 'select(.cpu >= 0)' some.ndjson`,
      mlr: `mlr --ijsonl --ojsonl filter '$cpu >= 0' some.ndjson`,
    }),
  )
  compare(
    'a filter that annotates, 400,000 lines',
    withTools({
      'key-map': `key-map -q -k 'sys_enter,sys_exit=cpu' some.ndjson`,
      jq: `jq -c '.key = .cpu' some.ndjson`,
      mlr: `mlr --ijsonl --ojsonl put '$key = $cpu' some.ndjson`,
    }),
  )
  compare(
    'perf script text, paired and summarised, all lines',
    withTools({
      'vmpipe fused': `vmpipe 'parse -q --from perf-script all.script | pair -q sys_enter sys_exit | histo'`,
      'mawk by hand': `mawk '${pairing}' all.script`,
    }),
  )
  polls(Math.round(POLLS / 2))
}
