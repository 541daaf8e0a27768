/** What the kernel says of a process, sampled: its memory, its descriptors, its time. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Sample {
  /** Seconds from the beginning. */
  t: number
  process: string
  pid: number
  rss_kib: number
  /** The most it ever had. */
  peak_kib: number
  fds: number
  /** Seconds of CPU time so far, in ticks of 10 ms. */
  cpu_s: number
}

/** What a process had right after a full collection of its garbage (collect.ts). */
export interface Collected {
  t: number
  process: string
  rss_kib: number
  /** Made by the process, and not in V8's heap. */
  beside_kib: number
  heap_kib: number
}

/** Undefined where it has just gone. */
export function sample(t: number, process: string, pid: number): Sample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kib = (member: string) => Number(new RegExp(`^${member}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const fds = readdirSync(`/proc/${pid}/fd`).length
    const cpu_s = (Number(fields[11]) + Number(fields[12])) / 100
    if (!kib('VmRSS')) return undefined
    return { t: round(t), process, pid, rss_kib: kib('VmRSS'), peak_kib: kib('VmHWM'), fds, cpu_s }
  } catch {
    return undefined
  }
}

/** By process id, as they are called in `samples`. `began`: ms of CLOCK_REALTIME at t = 0. */
export function collected(folder: string, samples: readonly Sample[], began: number): Collected[] {
  const named = new Map(samples.map(({ pid, process }) => [pid, process]))
  return readdirSync(folder).flatMap((pid) => {
    const process = named.get(Number(pid))
    if (!process) return []
    const lines = readFileSync(join(folder, pid), 'utf8').trimEnd().split('\n')
    return lines.map((line) => {
      const { at, ...sizes } = JSON.parse(line)
      return { t: round((at - began) / 1000), process, ...sizes }
    })
  })
}

const round = (seconds: number) => Math.round(seconds * 10) / 10
