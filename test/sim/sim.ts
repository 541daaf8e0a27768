/**
 * sim - plays a fleet of hosts and guests from a real recording, and knows what must come out.
 *
 *     node dist/test/sim/sim.mjs --hosts 3 --guests 4 --seed 1 --faults duplicate,lost,die,late --out DIR
 *     node dist/test/sim/sim.mjs --hosts 3 --guests 4 --command 'push nats://…/FLEET/fleet.$NODE.host' --pace 1
 *     node dist/test/sim/sim.mjs --hosts 3 --guests 4 --node 2
 *
 * A host's stream goes to DIR/node1.ndjson (--clock tsc: a file for each machine, node1.host.ndjson and
 * node1.vm1.ndjson, each on its own counter), to the input of a command for each host (NODE is its name), or that of one
 * host to stdout. --truth FILE (with --out: DIR/truth.json) has what each guest's pairs are, and each tsc-offset.
 * --pace 1 writes at the speed of the events, 10 ten times as fast.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { alignedLines, type Line, machineLines, nameOf } from './lines.js'
import { type Fault, type Fleet, faults, type Host, play } from './play.js'
import { recording } from './recording.js'
import { added, truthOf } from './truth.js'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '3' },
    guests: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    faults: { type: 'string', default: '' },
    clock: { type: 'string', default: 'ns' },
    out: { type: 'string' },
    node: { type: 'string' },
    command: { type: 'string' },
    truth: { type: 'string' },
    pace: { type: 'string', default: '0' },
  },
})

const fleet: Fleet = {
  hosts: Number(values.hosts),
  guests: Number(values.guests),
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  faults: values.faults.split(',').filter((name): name is Fault => faults.some((fault) => fault === name)),
}
const pace = Number(values.pace)
const recorded = recording()

/** The lines in pieces, at the speed that is asked for. */
async function* paced(lines: Iterable<Line>): AsyncGenerator<string> {
  let piece: string[] = []
  let first: bigint | undefined
  const begun = performance.now()
  for (const { at, text } of lines) {
    first ??= at === 0n ? undefined : at
    const due = pace > 0 && first !== undefined ? begun + Number(at - first) / 1e6 / pace : 0
    if (piece.length >= 1000 || due > performance.now() + 20) {
      yield `${piece.join('\n')}\n`
      piece = []
      if (due > performance.now()) await sleep(due - performance.now())
    }
    piece.push(text)
  }
  if (piece.length > 0) yield `${piece.join('\n')}\n`
}

async function toFile(path: string, lines: Iterable<Line>): Promise<void> {
  await pipeline(Readable.from(paced(lines)), createWriteStream(path))
}

async function toFiles(folder: string, host: Host): Promise<void> {
  if (values.clock === 'ns') return toFile(join(folder, `${host.name}.ndjson`), alignedLines(host))
  const machines = [undefined, ...host.offsets.keys()]
  await Promise.all(
    machines.map((guest) => toFile(join(folder, `${host.name}.${nameOf(guest)}.ndjson`), machineLines(host, guest))),
  )
}

async function toCommand(command: string, host: Host): Promise<void> {
  const child = spawn('bash', ['-c', command], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, NODE: host.name },
  })
  const over = finished(child.stdin).catch(() => {})
  await pipeline(Readable.from(paced(alignedLines(host))), child.stdin).catch(() => {})
  await over
  const status = child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve)))
  if (status !== 0) process.exitCode = 1
}

function truth(hosts: readonly Host[]): string {
  const told = hosts.map((host) => {
    const guests = truthOf(host)
    const vms = guests.map((of, guest) => [nameOf(guest), { tsc_offset: `${host.offsets[guest]}`, ...of }] as const)
    return [host.name, { ...added(guests), vms: Object.fromEntries(vms) }] as const
  })
  return `${JSON.stringify({ ...added(hosts.flatMap(truthOf)), hosts: Object.fromEntries(told) }, null, 2)}\n`
}

const { out, command, node } = values
const indexes = node === undefined ? Array.from({ length: fleet.hosts }, (_, index) => index) : [Number(node) - 1]
const path = values.truth ?? (out === undefined ? undefined : join(out, 'truth.json'))
if (out !== undefined) mkdirSync(out, { recursive: true })
if (command !== undefined) await Promise.all(indexes.map((index) => toCommand(command, play(fleet, index, recorded))))
else
  for (const index of indexes) {
    const host = play(fleet, index, recorded)
    if (out !== undefined) await toFiles(out, host)
    else for await (const piece of paced(alignedLines(host))) process.stdout.write(piece)
  }
if (path !== undefined)
  writeFileSync(path, truth(Array.from({ length: fleet.hosts }, (_, index) => play(fleet, index, recorded))))
