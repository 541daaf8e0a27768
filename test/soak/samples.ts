/** What the kernel says of a process, sampled: its memory, its descriptors, its time. */
import { readdirSync, readFileSync } from 'node:fs'

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

const round = (seconds: number) => Math.round(seconds * 10) / 10
