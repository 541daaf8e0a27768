/**
 * A capture: from an instance of tracefs to a stream of events.
 *
 * A round reads what all CPUs have and writes what is safely in order. Every 250 ms a mark is written to the
 * instance's trace_marker; where it comes out again stands a `clock` record: the trace clock, the monotonic and the
 * wall clock at one instant, and the promise that nothing older follows.
 */
import { setImmediate } from 'node:timers/promises'
import { pageSize } from '../tracefs/reader.js'
import { type Recorded, type RecordingOptions, startRecording } from './recording.js'

/** How long a quiet machine is left alone. */
const IDLE_MS = 100

export interface CaptureOptions extends RecordingOptions {
  /** Whoever takes the stream cannot take more before this. */
  ready(): Promise<void> | undefined
  /** Resolves when the capture is to end. */
  stopped: Promise<void>
}

export async function capture(options: CaptureOptions): Promise<Recorded> {
  const { out, setup, request } = options
  const recording = await startRecording(options)
  const { pause, wake } = pauses()
  const wait = pacing((request.bufferKib * 1024) / pageSize(setup.instance.path))
  void options.stopped.then(() => {
    recording.stop()
    wake()
  })
  while (!recording.stopped) {
    const round = recording.round()
    out.flush()
    await options.ready()
    // signals and timers have their turn even when more is waiting
    if (round.more) await setImmediate()
    else await pause(wait(round.pages))
    recording.tend()
  }
  while (recording.round().pages > 0) await options.ready()
  return recording.end()
}

/** Pauses that can be ended from outside, once and for all. */
function pauses(): { pause(ms: number): Promise<void>; wake(): void } {
  let over = false
  let end: () => void = () => {}
  return {
    pause: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, over ? 0 : ms)
        end = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    wake() {
      over = true
      end()
    },
  }
}

/** How long to leave the buffers alone, so that an eighth of the `capacity` in pages fills up. */
function pacing(capacity: number): (pages: number) => number {
  let last = performance.now()
  return (pages) => {
    const now = performance.now()
    const rate = pages / Math.max(1, now - last)
    last = now
    return Math.min(IDLE_MS, Math.floor(capacity / 8 / Math.max(rate, 1e-6)))
  }
}
