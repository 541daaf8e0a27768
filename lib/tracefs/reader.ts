/**
 * Reading the ring buffers of a live instance: `per_cpu/cpuN/trace_pipe_raw`, a page a read, without waiting.
 *
 * How far the CPUs may be merged: an event that was seen in one round was stamped before the next round began, so
 * whatever any CPU stamped before it is read in the next round, if that CPU was read to its end; a CPU that was
 * not holds all others back to its own newest.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Rings } from '../kernel/rings.js'
import { bytes } from '../wire/memory.js'
import { Refused, reasonOf } from './tracefs.js'

export interface Reader {
  /** Reads what there is. */
  round(rings: Rings): Round
  /** The kernel's counts of what was overwritten before it was read, or refused. */
  overruns(): number
  close(): void
}

export interface Round {
  /** The most pages that one CPU had. */
  pages: number
  /** Some CPU has more. */
  more: boolean
  /** Up to this time all events are there; undefined: not known yet. */
  until: bigint | undefined
}

/** The CPUs of an instance. */
export function cpusOf(instance: string): number[] {
  return readdirSync(join(instance, 'per_cpu'))
    .map((name) => Number(/^cpu(\d+)$/.exec(name)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)
}

/** Bytes of a page: 4096, or what buffer_subbuf_size_kb says (Linux 6.8). */
export function pageSize(instance: string): number {
  try {
    return Number(readFileSync(join(instance, 'buffer_subbuf_size_kb'), 'utf8')) * 1024 || 4096
  } catch {
    return 4096
  }
}

/** A ring buffer: an instance's of one CPU. `lane` is what the merge calls it. */
export interface RingBuffer {
  lane: number
  instance: string
  cpu: number
}

/** `most`: pages that are read of one buffer before the others have their turn. */
export function openReader(buffers: readonly RingBuffer[], size: number, most: number): Reader {
  const fds = new Map(buffers.map(({ lane, instance, cpu }) => [lane, openRaw(instance, cpu)]))
  /** The newest event seen so far, over all CPUs and of each. */
  let newest: bigint | undefined
  const newestOf = new Map<number, bigint>()

  /** Pages read, and whether that was all. */
  function drain(cpu: number, fd: number, rings: Rings): { pages: number; all: boolean } {
    for (let pages = 0; pages < most; pages++) {
      const to = rings.room(cpu)
      if (to === 0) return { pages, all: false }
      if (readPage(fd, to, size) === 0) return { pages, all: true }
      rings.put(cpu)
    }
    return { pages: most, all: false }
  }

  return {
    round(rings) {
      const round: Round = { pages: 0, more: false, until: newest }
      for (const [cpu, fd] of fds) {
        const read = drain(cpu, fd, rings)
        round.pages = Math.max(round.pages, read.pages)
        round.more ||= !read.all
        const last = (read.pages > 0 ? rings.newest(cpu) : undefined) ?? newestOf.get(cpu)
        if (last === undefined) continue
        newestOf.set(cpu, last)
        if (newest === undefined || last > newest) newest = last
        if (!read.all && round.until !== undefined && last < round.until) round.until = last
      }
      return round
    },
    overruns: () =>
      buffers.reduce((sum, { instance, cpu }) => sum + overrunOf(join(instance, `per_cpu/cpu${cpu}/stats`)), 0),
    close() {
      for (const fd of fds.values()) closeSync(fd)
      fds.clear()
    },
  }
}

function openRaw(instance: string, cpu: number): number {
  const path = join(instance, `per_cpu/cpu${cpu}/trace_pipe_raw`)
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new Refused(`${path}: ${reasonOf(error)}`)
  }
}

/** One page; 0 when there is nothing to read now. */
function readPage(fd: number, to: number, size: number): number {
  try {
    return readSync(fd, bytes, to, size, null)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // a CPU that is not online has no buffer
    if (code === 'EAGAIN' || code === 'ENODEV') return 0
    throw error
  }
}

function overrunOf(stats: string): number {
  const text = readFileSync(stats, 'utf8')
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return count('overrun') + count('dropped events')
}
