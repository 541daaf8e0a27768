/** Tools as processes that a test talks to, listens to and kills. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const running = new Set<ChildProcessWithoutNullStreams>()

/** What a test that failed has left. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface Run {
  child: ChildProcessWithoutNullStreams
  err(): string
  says(text: string): Promise<void>
  status(): Promise<number | null>
  /** kill -9, and gone. */
  kill(): Promise<void>
}

/** `output`: a file that stdout is appended to; `within`: a command that runs the tool (`ip netns exec …`). */
export function run(
  tool: string,
  args: string[],
  { output, env = {}, within = [] }: { output?: string; env?: NodeJS.ProcessEnv; within?: string[] } = {},
): Run {
  const out = output === undefined ? ('pipe' as const) : openSync(output, 'a')
  const [command, ...rest] = [...within, resolve('dist/bin', tool), ...args]
  const child = spawn(command as string, rest, {
    stdio: ['pipe', out, 'pipe'],
    env: { ...process.env, ...env },
  }) as ChildProcessWithoutNullStreams
  if (typeof out === 'number') closeSync(out)
  else child.stdout.resume()
  running.add(child)
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })
  child.stdin.on('error', () => {})
  const closed = once(child, 'close').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  return {
    child,
    err: () => said,
    async says(text) {
      while (!said.includes(text)) {
        if (child.exitCode !== null) throw new Error(`${tool} ended, and did not say ${text}: ${said}`)
        await sleep(5)
      }
    },
    status: () => closed,
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
