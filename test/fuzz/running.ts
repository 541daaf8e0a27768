/** Runs a target's processes one after another, as each has used up its memory, and finds out how they ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Fuzzed {
  execs: number
  bytes: number
  /** Branches with their magnitudes that were seen. */
  features: number
  kept: number
  failure?: string | undefined
}

interface Told extends Partial<Fuzzed> {
  input?: string
  done?: boolean
  usedUp?: boolean
}

/** No input takes that long. */
const HANG_MS = 30_000

export interface Length {
  cases: number
  ms: number
  seed: number
}

export async function fuzz(worker: string, target: string, folder: string, length: Length): Promise<Fuzzed> {
  const all: Fuzzed = { execs: 0, bytes: 0, features: 0, kept: 0 }
  const until = Date.now() + length.ms
  for (let turn = 0; ; turn++) {
    const left = { cases: Math.max(0, length.cases - all.execs), ms: Math.max(0, until - Date.now()) }
    const { told, ended } = await once1(worker, target, folder, { ...left, seed: length.seed + turn * 1_000_003 })
    all.execs += told.execs ?? 0
    all.bytes += told.bytes ?? 0
    all.features = Math.max(all.features, told.features ?? 0)
    all.kept = told.kept ?? all.kept
    if (told.usedUp && (left.ms > 0 || left.cases > 0)) continue
    if (told.done || told.usedUp) return all
    return { ...all, failure: told.failure ? `${told.failure}\ninput: ${JSON.stringify(told.input)}` : ended }
  }
}

async function once1(
  worker: string,
  target: string,
  folder: string,
  { seed, cases, ms }: Length,
): Promise<{ told: Told; ended: string }> {
  const args = [worker, target, folder, String(seed), String(cases), String(ms)]
  const child = spawn(process.execPath, ['--max-old-space-size=1024', ...args])
  const closed = once(child, 'close')
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr = (stderr + text).slice(0, 2000)
  })
  let told: Told = {}
  const hung = () => child.kill('SIGKILL')
  let hang = setTimeout(hung, HANG_MS)
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(hang)
    hang = setTimeout(hung, HANG_MS)
    told = JSON.parse(line)
  }
  clearTimeout(hang)
  const [status, signal] = await closed
  const input = existsSync(join(folder, 'at')) ? readFileSync(join(folder, 'at'), 'latin1') : ''
  const ended = `the process ended with ${signal ?? status} (no answer for ${HANG_MS / 1000} s is SIGKILL): ${stderr}`
  return { told, ended: `${ended}\ninput: ${JSON.stringify(input.slice(0, 4096))}` }
}
