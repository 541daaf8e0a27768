/** The capture as a tool: signals and durations end it, the instance is removed whatever happens, a summary is made. */
import { type Context, type Counts, Failure, type Summary } from '../cli/tool.js'
import { Refused, tracefs } from '../tracefs/tracefs.js'
import type { Out } from '../wire/output.js'
import { capture } from './capture.js'
import { type CaptureValues, request } from './options.js'
import type { Recorded } from './recording.js'
import { setUp } from './setup.js'

declare const VERSION: string

export interface Taker {
  out: Out
  /** Whoever takes the stream cannot take more before this. */
  ready(): Promise<void> | undefined
}

/** Runs a capture until it is to end. `guests`: events get the guest that their thread works for. */
export async function runCapture(
  name: string,
  options: CaptureValues & { src: string; duration: number | undefined; count: number | undefined },
  context: Context,
  { out, ready }: Taker,
  guests: boolean,
): Promise<Summary> {
  const wanted = request(options)
  const stopped = stopping(context, options.duration)
  const setup = refusing(() => {
    const root = tracefs()
    return { root, ...setUp(root, wanted, options.src) }
  })
  process.once('exit', setup.remove)
  const began = process.cpuUsage()
  const from = performance.now()
  try {
    const tool = `${name} ${VERSION}`
    const count = options.count ?? Number.POSITIVE_INFINITY
    const { root } = setup
    const got = await capture({
      root,
      request: wanted,
      setup,
      src: options.src,
      tool,
      guests,
      count,
      out,
      ready,
      stopped,
    })
    const doubt = doubtOf(got)
    if (doubt) context.warn(doubt)
    const { user, system } = process.cpuUsage(began)
    return summary(got, (user + system) / 10 / (performance.now() - from))
  } catch (error) {
    throw error instanceof Refused ? new Failure(error.message) : error
  } finally {
    process.off('exit', setup.remove)
    const left = refusal(setup.remove)
    if (left) context.problem(left)
  }
}

/** What the kernel would not undo. */
function refusal(undo: () => void): string | undefined {
  try {
    undo()
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

function refusing<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof Refused ? new Failure(error.message) : error
  }
}

function stopping(context: Context, duration: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    context.onSignal(resolve)
    if (duration !== undefined) setTimeout(resolve, Math.min(duration / 1e6, 2 ** 31 - 1))
  })
}

/** What adjtimex(2) may make CLOCK_MONOTONIC gain or lose, in parts per million. */
const SLEW_PPM = 500

/** A rate that the kernel found at boot, and that is not (a guest moved to another host, a counter that is not constant). */
function doubtOf({ tscKhz, measured }: Recorded): string | undefined {
  if (!tscKhz || !measured) return undefined
  const ppm = Math.abs(measured.khz / tscKhz - 1) * 1e6
  if (ppm <= SLEW_PPM + measured.errorPpm) return undefined
  return `the TSC runs at ${measured.khz.toFixed(1)} kHz, not ${tscKhz} as the kernel said: tsc-align --tsc-khz`
}

function summary({ events, lost, own, about, measured }: Recorded, cpu: number): Summary {
  const counts: Counts = { events, lost, own, about }
  const parts = [`${events} events`, `${lost} lost`]
  if (own + about > 0) parts.push(`the reader itself: ${own} left out, ${about} about it`)
  // a capture of a moment measures nothing
  if (measured && measured.errorPpm < 1000) {
    counts.tsc_khz = Math.round(measured.khz * 1000) / 1000
    counts.tsc_khz_error_ppm = Math.round(measured.errorPpm * 100) / 100
    parts.push(`TSC ${measured.khz.toFixed(1)} kHz measured, to ${measured.errorPpm.toFixed(2)} ppm`)
  }
  parts.push(`${cpu.toFixed(1)} % of a CPU`)
  return { line: parts.join(', '), counts }
}
