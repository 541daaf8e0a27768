/** Reading a JSON document: its samples as events of the wire format. */
import { type Context, Failure } from '../cli/tool.js'
import { ClosedPipe } from '../wire/output.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { chrome } from './chrome-json.js'
import type { JsonFormat } from './detect.js'
import { type Sample, samples } from './json-samples.js'
import { type JsonEvent, perfSample, Unnamed } from './perf-json.js'

/** The events of a JSON document to `accept`, which answers what is wrong with one; answers how many of its elements are none. */
export async function readJson(
  input: Source,
  format: JsonFormat,
  name: string | undefined,
  context: Context,
  accept: (event: JsonEvent) => string | undefined,
): Promise<number> {
  const eventOf = format === 'perf-json' ? (sample: Sample) => perfSample(sample, name) : chrome().event
  let element = 0
  let skipped = 0
  try {
    for await (const sample of samples(input, format === 'perf-json' ? 'samples' : 'traceEvents')) {
      element++
      const event = isObject(sample) ? eventOf(sample) : 'not an object'
      const wrong = event === null || typeof event === 'string' ? event : accept(event)
      if (wrong === null) skipped++
      else if (wrong) context.bad(`${input.name}: element ${element}`, wrong)
      const waits = context.ready?.()
      if (waits) await waits
    }
  } catch (error) {
    if (error instanceof ClosedPipe || error instanceof Failure) throw error
    const where = error instanceof Unnamed ? '' : `after element ${element}: `
    context.problem(`${input.name}: ${where}${systemMessage(error)}`)
  }
  return skipped
}

function isObject(value: unknown): value is Sample {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The event as the wire format has it. */
export function eventRecord(event: JsonEvent, src: string): Record<string, unknown> {
  const { time, event: name, cpu, pid, comm, args, stack } = event
  return { ts: time, src, event: name, cpu, pid, comm, args, stack }
}
