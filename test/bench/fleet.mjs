/**
 * A simulated fleet of 10, 100 and 1,000 guests on ten hosts, through pair, histo --emit hdr and histo --merge: CPU time an
 * event, and the most memory that each process had.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const HOSTS = 10
const SECONDS = 10
const PAIR = 'pair -q --account 1s kvm_msi_set_irq irq_handler_entry --'
const EMIT = 'histo -q --emit hdr -i 1s --keys'

/** `cpu`: seconds of a command in `work`; `memory`: what each of its processes had, in MB. */
export function fleet(work, cpu, memory) {
  console.log(`\nguests on ${HOSTS} hosts, ${SECONDS} s of each; us of CPU time an event, MB at most in one process`)
  console.log('  guests   events    pairs  records |   pair   emit  merge |   pair   emit  merge')
  const all = [10, 100, 1000].map((guests) => measure(guests, work, cpu, memory))
  const [first, last] = [all[0], all.at(-1)]
  // a host's processes hold its own guests, the merging one those of all
  const grown = (name, share) => ((last.mb[name] - first.mb[name]) * 1024) / ((last.guests - first.guests) / share)
  console.log(
    `  KB more a guest: pair ${grown('pair', HOSTS).toFixed(1)}, emit ${grown('emit', HOSTS).toFixed(1)}, merge ${grown('merge', 1).toFixed(1)}`,
  )
}

function measure(guests, work, cpu, memory) {
  const sim = `--hosts ${HOSTS} --guests ${guests / HOSTS} --seconds ${SECONDS} --seed 3 --faults duplicate,lost,die,late`
  execFileSync(process.execPath, ['dist/test/sim/sim.mjs', ...sim.split(' '), '--out', join(work, 'fleet')])
  const each = (command) => `for n in $(seq ${HOSTS}); do ${command}; done`
  const one = { pair: `${PAIR} fleet/node$n.ndjson >$n.pairs`, emit: `${EMIT} --host node$n $n.pairs >$n.hdr` }
  const merge = 'histo --merge --by host,vm,key ?.hdr ??.hdr'
  const commands = { pair: each(one.pair), emit: each(one.emit), merge }
  const seconds = Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, cpu(command)]))
  const most = (command) => Math.max(...memory(command).map(({ mb }) => mb))
  const mb = Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, most(command)]))
  const count = (command) => Number(execFileSync('bash', ['-c', command], { cwd: work, encoding: 'utf8' }))
  const events = count('cat fleet/node*.ndjson | wc -l')
  const records = count('cat ?.hdr ??.hdr | wc -l')
  const { pairs } = JSON.parse(readFileSync(join(work, 'fleet', 'truth.json'), 'utf8'))
  const table = execFileSync(
    'bash',
    ['-c', `PATH=${process.cwd()}/dist/bin:$PATH; histo -q --merge --json ?.hdr ??.hdr | tail -1`],
    {
      cwd: work,
      encoding: 'utf8',
    },
  )
  if (JSON.parse(table).pairs !== pairs) throw new Error(`${pairs} pairs were played; the table says ${table}`)
  const us = (name) => ((seconds[name] * 1e6) / events).toFixed(2).padStart(6)
  const megabytes = (name) => String(mb[name]).padStart(6)
  const names = ['pair', 'emit', 'merge']
  const front = [guests, events, pairs, records].map((n) => String(n).padStart(8)).join(' ')
  console.log(`${front} | ${names.map(us).join(' ')} | ${names.map(megabytes).join(' ')}`)
  return { guests, mb }
}
