/** pull, receiving an attack: what it wrote, what it said, how it ended, how much memory it took. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { PEAK } from '../faults/processes.js'
import { until } from '../support/tracing.js'
import type { Served } from './serve.js'

export interface Received {
  status: number | null
  stderr: string
  /** MiB */
  peak: number
}

/** A generous end for what would hang: the status is then null. */
const HANG_MS = 120_000

/** `to`: the file that gets what pull writes. */
export async function receive(served: Served, to: string): Promise<Received> {
  const fd = openSync(to, 'w')
  const child = spawn(resolve('dist/bin/pull'), ['--src', 'vm1', served.target], {
    stdio: ['ignore', fd, 'pipe'],
    env: { ...process.env, NODE_OPTIONS: `--import=${PEAK}` },
  })
  closeSync(fd)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const closed = once(child, 'close')
  const hang = setTimeout(() => child.kill('SIGKILL'), HANG_MS)
  await Promise.race([closed, afterAll(child, served, () => stderr)])
  const [status] = await closed
  clearTimeout(hang)
  served.close()
  const [, kib = 0] = /^peak(\d+)$/m.exec(stderr) ?? []
  return { status, stderr: stderr.replace(/^peak\d+\n/m, ''), peak: Number(kib) / 1024 }
}

/** A sender that never says its end is waited for: it is interrupted once all has come. */
async function afterAll(child: ChildProcess, served: Served, stderr: () => string): Promise<void> {
  await served.over
  served.close()
  const said = stderr().length
  await until(() => child.exitCode !== null || /waiting\n/.test(stderr().slice(said)), `pull: ${stderr()}`)
  child.kill('SIGINT')
}
