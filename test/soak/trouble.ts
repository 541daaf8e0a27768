/**
 * What goes wrong in a soak, one thing after another, chosen by a seed: connections cut and paused, clients that come
 * and go, the guest's sender ended or killed, stages stopped for seconds, the load gone up and down.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, random } from '../faults/random.js'
import type { Pipeline, Stage } from './pipeline.js'

export interface Trouble {
  what: string
  /** Seconds from the beginning. */
  at: number
}

const FASTEST = 3000
const RATES = [0, 30, 100, 300, 1000, FASTEST]
/** Seconds. */
const LONGEST_STOP = 6
const STOPPABLE = ['capture-host', 'push', 'pull', 'witness', 'order', 'pair', 'histo']

/**
 * The most that can come of a kind: each stage stopped for as long as one ever is, at the highest load. What is waiting then
 * takes memory which is kept for the next time; had it come late, it would look like growth.
 */
export async function worstTrouble(pipeline: Pipeline, calm: number, tell: (what: string) => void): Promise<void> {
  pipeline.rate(FASTEST)
  tell('load')
  for (const [name, stage] of pipeline.stages) {
    if (!STOPPABLE.some((some) => name.includes(some))) continue
    tell('stopped')
    await stopped(stage, LONGEST_STOP)
    await sleep(500 * calm)
  }
}

/** Until `over`; a calm of some seconds lies between two troubles. */
export async function makeTrouble(
  pipeline: Pipeline,
  seed: number,
  calm: number,
  over: () => boolean,
  tell: (what: string) => void,
): Promise<void> {
  const dice = random(seed)
  const kinds: readonly [string, () => Promise<void>][] = [
    ['cut', async () => pipeline.relay.cut()],
    ['paused', () => paused(pipeline, 1 + dice.below(4))],
    ['a guest that ends', () => pipeline.restartGuest('end')],
    ['a guest that is killed', () => pipeline.restartGuest('kill')],
    ['a client that leaves', () => visit(pipeline, dice)],
    ['stopped', () => someStopped(pipeline, dice)],
    ['stopped', () => someStopped(pipeline, dice)],
  ]
  for (let n = 0; !over(); n++) {
    pipeline.rate(dice.of(RATES))
    tell('load')
    await wait((calm / 2) * (1 + dice.below(2)), over)
    // each in turn, that a short run too has some of each
    const [what, make] = kinds[n < kinds.length ? n : dice.below(kinds.length)] as (typeof kinds)[number]
    tell(what)
    await make()
    await wait((calm / 2) * (1 + dice.below(2)), over)
  }
}

async function wait(seconds: number, over: () => boolean): Promise<void> {
  for (let left = seconds; left > 0 && !over(); left -= 0.1) await sleep(100)
}

async function paused({ relay }: Pipeline, seconds: number): Promise<void> {
  relay.pause()
  await sleep(1000 * seconds)
  relay.resume()
}

/** Several at once; one of them never reads. */
async function visit({ listens }: Pipeline, dice: Random): Promise<void> {
  const to = () => (dice.below(2) ? connect(listens.host, '127.0.0.1') : connect(listens.guest))
  const clients = Array.from({ length: 1 + dice.below(8) }, () => to().on('error', () => {}))
  for (const client of clients.slice(1)) client.resume()
  await sleep(500 + dice.below(3000))
  for (const client of clients) client.destroy()
}

async function someStopped({ stages }: Pipeline, dice: Random): Promise<void> {
  const name = dice.of(STOPPABLE)
  const found = [...stages].filter(([stage]) => stage.includes(name)).map(([, stage]) => stage)
  await stopped(dice.of(found), 0.5 + dice.below(1000 * (LONGEST_STOP - 0.5)) / 1000)
}

async function stopped({ child }: Stage, seconds: number): Promise<void> {
  child.kill('SIGSTOP')
  await sleep(1000 * seconds)
  child.kill('SIGCONT')
}
