/** The records of a capture that are no events: `stream`, `clock`, `end` (vmpipe-wire(5)). */
import { hostname, release } from 'node:os'
import type { Sample, TraceClock } from '../tracefs/clock.js'

export interface Head {
  src: string
  clock: TraceClock
  tscKhz: number | undefined
  /** `capture-host 0.1.0` */
  tool: string
  session: string
}

export function streamRecord({ src, clock, tscKhz, tool, session }: Head): string {
  return JSON.stringify({
    type: 'stream',
    version: 1,
    src,
    clock: clock.name,
    unit: clock.unit,
    tsc_khz: tscKhz,
    hostname: hostname(),
    kernel: release(),
    tool,
    session,
    start: (BigInt(Date.now()) * 1_000_000n).toString(),
  })
}

export function clockRecord(src: string, { unit }: TraceClock, { stamp, mono, wall, errorNs }: Sample): string {
  return JSON.stringify({
    type: 'clock',
    [unit === 'tsc' ? 'tsc' : 'ts']: stamp.toString(),
    src,
    mono: mono.toString(),
    wall: wall.toString(),
    error_ns: errorNs,
  })
}
