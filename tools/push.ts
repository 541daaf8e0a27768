/**
 * push - carry a stream away: over a virtio-serial port, TCP, a unix socket, a FIFO, into a file.
 *
 * Reads records (or lines of trace_pipe text) and writes them to the target once an interval, with a count of what
 * was sent, so that pull knows what the channel swallowed. A target with one receiver that is slow or absent
 * makes it stop reading: whoever captures then counts what its own buffer loses. tcp:PORT and unix:PATH listen,
 * and broadcast to all who connect; one that is slow loses lines, which its own stream tells.
 *
 * What can mislead: a guest that traces its own interrupts sees those of the port, too. --interval says how many.
 */
import { Failure, filter, type Spec, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { TransportError } from '../lib/transport/failure.js'
import { look } from '../lib/transport/lines.js'
import { type Push, push } from '../lib/transport/push.js'
import { parseTarget, type Target } from '../lib/transport/target.js'

declare const VERSION: string

const spec = {
  name: 'push',
  summary: 'carry a stream to a port, a socket, a file',
  operands: '<target> [file...]',
  own: 1,
  options: {
    interval: {
      alias: 'i',
      type: 'string',
      value: 'duration',
      default: '250ms',
      describe: 'write once in so long a time, or when 256 KiB are full; 0ms: at once',
    },
    wait: {
      type: 'boolean',
      default: false,
      describe: 'wait for a port that is not there or busy, for a server, or for the first client',
    },
    'max-queue': {
      type: 'number',
      value: 'kib',
      default: 4096,
      describe: 'KiB that wait for one slow client; what comes beyond that is lost to it',
    },
  },
  examples: [
    'capture-guest -e irq:* | push /dev/virtio-ports/org.vmpipe.0',
    'capture-host -e kvm:* | push tcp:9900',
    'push --wait unix:/run/vmpipe.sock <trace.ndjson',
  ],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  const [operand] = context.operands
  if (operand === undefined) throw new Usage('where to? push TARGET, as in push tcp:9900')
  const target = parseTarget(operand)
  const interval = parseDuration(options.interval) / 1e6
  if (interval > 60_000) throw new Usage('--interval is above a minute')
  const { quiet } = options as { quiet?: boolean }
  const out: Push = push(target, {
    interval,
    bound: options['max-queue'] * 1024,
    wait: options.wait,
    tool: `push ${VERSION}`,
    failed: (error) => {
      throw failure(error)
    },
    say: (message) => {
      if (!quiet) context.warn(message)
    },
  })
  context.onStop(() => out.stop())
  return {
    look,
    event: (record) => out.take(record),
    record: (record) => out.take(record),
    ready: () => out.ready()?.catch(rethrow),
    async end() {
      const { lines, unsent, text } = await out.close().catch(rethrow)
      if (unsent > 0) context.problem(`${target.name}: ${unsent} of ${lines} lines were not sent`)
      return { line: `${lines} lines to ${nameOf(target)}${text}` }
    },
  }
})

function rethrow(error: unknown): never {
  throw failure(error)
}

function failure(error: unknown): unknown {
  return error instanceof TransportError ? new Failure(error.message) : error
}

function nameOf({ kind, name }: Target): string {
  return kind === 'standard' ? 'stdout' : name
}
