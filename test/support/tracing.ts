/** This machine's tracefs for a test, or why there is none; tools run as a user runs them. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tracefs } from '../../lib/tracefs/tracefs.js'
import { skipped } from './needs.js'

export const bin = resolve('dist/bin')

/** Why this machine cannot trace; false where it can. In CI it must. */
export function cannotTrace(): string | false {
  try {
    mkdirSync(join(tracefs(), 'instances', `vmpipe-test-${process.pid}`))
    rmdirSync(join(tracefs(), 'instances', `vmpipe-test-${process.pid}`))
    return false
  } catch (error) {
    return skipped(`no tracing here: ${(error as Error).message}`)
  }
}

/**
 * What captures of this test have in tracefs, and those that are no more: `const before = captures()`, and later what
 * is new. Others may capture on this machine, too.
 */
export function captures(): string[] {
  const root = tracefs()
  const probes = readFileSync(join(root, 'uprobe_events'), 'utf8').split('\n')
  return [
    ...readdirSync(join(root, 'instances')).filter((name) => /^vmpipe-\d/.test(name)),
    ...probes.filter((line) => line.includes('vmpipe_')),
  ].filter((name) => isOurs(Number(/vmpipe[-_](\d+)/.exec(name)?.[1])))
}

/** Whether a process is gone, or was started by this one or by one that it started. */
function isOurs(pid: number): boolean {
  if (pid === process.pid) return true
  if (pid <= 1) return false
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return isOurs(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  } catch {
    return true
  }
}

/** An instance of the test's own. */
export function testInstance(name: string): { path: string; set(file: string, text: string): void; remove(): void } {
  const path = join(tracefs(), 'instances', `vmpipe-test-${name}-${process.pid}`)
  mkdirSync(path)
  return {
    path,
    set: (file, text) => writeFileSync(join(path, file), text),
    remove: () => rmdirSync(path),
  }
}

export interface Ran {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A tool under way: `done` is what it printed and how it ended. */
export function start(command: string, args: readonly string[]): { child: ChildProcess; done: Promise<Ran> } {
  const child = spawn(join(bin, command), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (piece) => {
    texts.stdout += piece
  })
  child.stderr?.setEncoding('utf8').on('data', (piece) => {
    texts.stderr += piece
  })
  const done = new Promise<Ran>((ended) => {
    child.on('close', (status, signal) => ended({ status, signal, ...texts }))
  })
  return { child, done }
}

/** A bash pipeline, with the tools in its PATH. */
export function shell(script: string, timeout = 60_000): Ran {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  try {
    const stdout = execFileSync('bash', ['-c', script], { env, timeout, maxBuffer: 1 << 28, stdio: 'pipe' })
    return { status: 0, signal: null, stdout: stdout.toString(), stderr: '' }
  } catch (error) {
    const { status, signal, stdout, stderr, code } = error as Ran & { code?: string }
    // half of what it printed is not what it printed
    if (code === 'ENOBUFS') throw error
    return { status, signal, stdout: String(stdout), stderr: String(stderr) }
  }
}

export const records = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** Waits until something holds; fails after 20 s. */
export async function until(what: () => boolean, why: string): Promise<void> {
  for (let left = 400; !what(); left--) {
    if (left === 0) throw new Error(`waited in vain: ${why}`)
    await sleep(50)
  }
}

/** What parse makes of a text. */
export function parseText(text: string, src: string) {
  const { stdout } = spawnSync(join(bin, 'parse'), ['--src', src], { input: text, maxBuffer: 1 << 28 })
  return records(stdout.toString())
}
