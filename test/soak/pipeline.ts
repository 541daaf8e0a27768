/**
 * The pipeline under test, as a user would build it from FIFOs:
 *
 *     load ~> capture-host | push tcp:0 ... relay ... pull --src host | witness \
 *                                                                                order | pair | histo -i 1s --json
 *     generator | push unix:... ........................... pull --src vm1 | witness /
 *
 * Each stage is a process of its own, so that it can be looked at and stopped. The guest's push is ended or killed now
 * and then, and another one takes its place.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Relay, relay } from '../support/relay.js'
import { until } from '../support/tracing.js'
import { type Generator, generator } from './generator.js'
import type { Seen } from './witness.js'

/** A process that has ended says what it printed; one that is none of ours to read has an empty `out`. */
export interface Stage {
  name: string
  child: ChildProcess
  out: string
  err: string
  ended: Promise<number | null>
}

export interface Pipeline {
  /** By name; the guest's push is the one at hand. */
  readonly stages: ReadonlyMap<string, Stage>
  readonly relay: Relay
  /** Where the host's push listens, and the guest's. */
  readonly listens: { host: number; guest: string }
  /** Calls a second that the load makes, and that the generator does. */
  rate(calls: number): void
  /** What each of the guest's pushes said at its end; those that were killed said nothing. */
  readonly restarts: { ended: number; killed: number }
  restartGuest(how: 'end' | 'kill'): Promise<void>
  /** What histo has written so far is for this. */
  onHistogram(take: (line: string) => void): void
  seen(of: 'host' | 'guest'): Seen
  /** Ends all in order, and waits for it. Answers how many calls the load and the generator have made. */
  end(): Promise<{ load: number; generator: number }>
  kill(): void
}

const EVENTS = 'syscalls:sys_enter_umask,syscalls:sys_exit_umask'
/** Small, so that a receiver that sleeps a few seconds loses lines. */
const QUEUE = ['--max-queue', '64', '--interval', '50ms', '--wait']
const FIFOS = ['captured', 'host', 'host-seen', 'guest', 'guest-seen', 'ordered', 'paired']

export interface Settings {
  /** Seconds after which a capture that nobody ends gives up. */
  most: number
  /** Each stage collects its garbage every so many seconds, and writes to that folder what it holds (collect.ts). */
  collecting: { to: string; every: number } | undefined
}

export async function startPipeline(folder: string, { most, collecting }: Settings): Promise<Pipeline> {
  const stages = new Map<string, Stage>()
  const fifo = (name: string) => join(folder, name)
  execFileSync('mkfifo', FIFOS.map(fifo))
  const restarts = { ended: 0, killed: 0 }
  const guestSocket = join(folder, 'guest.sock')
  const made: Generator = generator()
  let onHistogram: (line: string) => void = () => {}

  /** `from`, `to`: FIFOs; else pipes. */
  function start(name: string, command: readonly string[], { from = '', to = '' } = {}): Stage {
    const redirected = `exec "$@"${from && ` <${from}`}${to && ` >${to}`}`
    const stage = spawned(name, ['sh', '-c', redirected, 'sh', ...command], folder, collecting)
    stages.set(name, stage)
    return stage
  }

  async function startGuest(): Promise<void> {
    const stage = start('guest push', ['push', ...QUEUE, `unix:${guestSocket}`])
    await until(() => stage.err.includes('listens on'), `the guest's push: ${stage.err}`)
    made.to(stage.child.stdin)
  }

  const load = start('load', [process.execPath, resolve('dist/test/soak/load.mjs')])
  const hostPush = start('host push', ['push', ...QUEUE, 'tcp:0'], { from: 'captured' })
  const captured = ['capture-host', '--clock', 'mono', '-e', EVENTS, '--pid', `${load.child.pid}`, '-d', `${most}s`]
  const capture = start('capture-host', captured, { to: 'captured' })
  await until(() => hostPush.err.includes('listens on'), `the host's push: ${hostPush.err} ${capture.err}`)
  const port = Number(/listens on .*:(\d+)/.exec(hostPush.err)?.[1])
  const between = await relay(`127.0.0.1:${port}`)
  await startGuest()
  const witness = [process.execPath, resolve('dist/test/soak/witness.mjs')]
  start('host pull', ['pull', '--src', 'host', between.address], { to: 'host' })
  start('host witness', witness, { from: 'host', to: 'host-seen' })
  start('guest pull', ['pull', '--follow', '--src', 'vm1', `unix:${guestSocket}`], { to: 'guest' })
  start('guest witness', witness, { from: 'guest', to: 'guest-seen' })
  start('order', ['order', 'host-seen', 'guest-seen'], { to: 'ordered' })
  const names = ['syscalls:sys_enter_umask,soak:start', 'syscalls:sys_exit_umask,soak:end']
  start('pair', ['pair', ...names], { from: 'ordered', to: 'paired' })
  const histo = start('histo', ['histo', '--interval', '1s', '--json'], { from: 'paired' })
  linesOf(histo, (line) => onHistogram(line))
  await until(() => seenBy('host') !== undefined, 'the first record of the host')

  function seenBy(of: 'host' | 'guest'): Seen | undefined {
    const last = stages.get(`${of} witness`)?.err.trimEnd().split('\n').at(-1)
    return last ? JSON.parse(last) : undefined
  }

  const seen = (of: 'host' | 'guest') => seenBy(of) as Seen
  const stageOf = (name: string) => stages.get(name) as Stage

  return {
    stages,
    relay: between,
    listens: { host: port, guest: guestSocket },
    restarts,
    seen,
    rate(calls) {
      load.child.stdin?.write(`${calls}\n`)
      made.rate = calls
    },
    async restartGuest(how) {
      const old = stageOf('guest push')
      made.to(null)
      old.child.kill('SIGCONT')
      if (how === 'end') old.child.stdin?.end()
      else old.child.kill('SIGKILL')
      await old.ended
      restarts[how === 'end' ? 'ended' : 'killed']++
      await startGuest()
    },
    onHistogram(take) {
      onHistogram = take
    },
    async end() {
      load.child.stdin?.end()
      made.stop()
      await load.ended
      await sleep(1000)
      capture.child.kill('SIGINT')
      stageOf('guest push').child.stdin?.end()
      await stageOf('guest push').ended
      // what is told of its stream ends with the last line; then it would wait for the next sender
      await until(() => seen('guest').last === made.made, `the guest's last event ${made.made}`)
      stageOf('guest pull').child.kill('SIGINT')
      await Promise.all([...stages.values()].map(({ ended }) => ended))
      between.close()
      return { load: Number(load.out), generator: made.made }
    },
    kill() {
      for (const { child } of stages.values()) child.kill('SIGKILL')
      between.close()
    },
  }
}

/**
 * A small young generation: V8 lets it grow to 32 MiB before it collects, which for a process that makes little garbage
 * takes hours, and is a part of what looks like a leak.
 */
const YOUNG = '--max-semi-space-size=1'

/** What it says on stderr is kept, the last of it. */
function spawned(
  name: string,
  [command = '', ...args]: readonly string[],
  cwd: string,
  collecting: Settings['collecting'],
): Stage {
  const collect = collecting ? `--import ${pathToFileURL('dist/test/soak/collect.mjs')}` : ''
  const env = {
    ...process.env,
    PATH: `${resolve('dist/bin')}:${process.env.PATH}`,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${YOUNG} ${collect}`,
    ...(collecting && { COLLECT_TO: collecting.to, COLLECT_EVERY: `${collecting.every}` }),
  }
  const child = spawn(command, args, { cwd, env, stdio: 'pipe' })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([status]) => status as number | null)
  const stage = { name, child, out: '', err: '', ended }
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stage.err = (stage.err + text).slice(-20_000)
  })
  if (name === 'load')
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stage.out += text
    })
  return stage
}

function linesOf({ child }: Stage, take: (line: string) => void): void {
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(take)
  })
}
