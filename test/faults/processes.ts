/** Tools as processes in an environment that breaks: what ran, what it said, how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

export interface Ended {
  status: number | null
  signal: string | null
  stdout: string
  stderr: string
  /** The most memory it had at a time, in MiB; 0 where it was killed. */
  peak: number
}

/** A generous end for what would hang: the status is then null. */
const HANG_MS = 120_000
/** Said by each process as it exits. */
export const PEAK = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak'+process.resourceUsage().maxRSS+String.fromCharCode(10)))`

/** bash runs the command; `meanwhile` may do something to it. */
export async function shell(command: string, meanwhile?: (child: ChildProcess) => Promise<void>): Promise<Ended> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    env: { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}`, PEAK: `--import=${PEAK}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => {
    texts.stdout += text
  })
  child.stderr.on('data', (text) => {
    texts.stderr += text
  })
  const closed = once(child, 'close')
  const hang = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), HANG_MS)
  await meanwhile?.(child)
  const [status, signal] = await closed
  clearTimeout(hang)
  const peaks = [...texts.stderr.matchAll(/^peak(\d+)\n/gm)].map(([, kib]) => Number(kib) / 1024)
  return { status, signal, ...texts, stderr: texts.stderr.replaceAll(/^peak\d+\n/gm, ''), peak: Math.max(0, ...peaks) }
}

/** Lines on stderr that are no message of a tool: a stack, a warning of Node. */
export function strange({ stderr }: Pick<Ended, 'stderr'>): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !/^[a-z-]+: /.test(line))
}
