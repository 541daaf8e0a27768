/**
 * push - carry a stream away: over a virtio-serial port, TCP, a unix socket, a FIFO, into a file, to NATS.
 *
 * Reads records (or lines of trace_pipe text) and writes them to the target once an interval, with a count of what
 * was sent, so that pull knows what the channel swallowed. A target with one receiver that is slow or absent
 * makes it stop reading: whoever captures then counts what its own buffer loses. tcp:PORT and unix:PATH listen,
 * and broadcast to all who connect; one that is slow loses lines, which its own stream tells.
 *
 * nats://…/STREAM/PREFIX.NODE.VM publishes to a stream of NATS JetStream, in batches that are stored once.
 *
 * What can mislead: a guest that traces its own interrupts sees those of the port, too. --interval says how many.
 */
import { Failure, filter, type Spec, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { keyByMembers } from '../lib/pairing/key.js'
import { TransportError } from '../lib/transport/failure.js'
import { look } from '../lib/transport/lines.js'
import type { PartitionKey } from '../lib/transport/nats-partition.js'
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
    create: { type: 'boolean', default: false, describe: 'make the NATS stream if it is not there' },
    'stream-size': {
      type: 'number',
      value: 'mib',
      default: 1024,
      describe: 'with --create: MiB that the stream holds',
    },
    keep: {
      type: 'string',
      value: 'duration',
      default: '1440m',
      describe: 'with --create: how long the stream keeps a message',
    },
    replicas: { type: 'number', default: 1, describe: 'with --create: servers of a cluster that hold the stream' },
    resume: {
      type: 'boolean',
      default: false,
      describe: 'to NATS: the input is the one that a push before this sent in part, from its beginning; go on there',
    },
    partitions: { type: 'number', default: 1, describe: 'deal the events out to so many workers (pull --partition)' },
    'partition-by': {
      type: 'string',
      value: 'members',
      default: 'key',
      describe: 'with --partitions: events that are equal in these go to the same worker',
    },
  },
  examples: [
    'capture-guest -e irq:* | push /dev/virtio-ports/org.vmpipe.0',
    'capture-host -e kvm:* | push tcp:9900',
    'push --wait unix:/run/vmpipe.sock <trace.ndjson',
    'capture-host -e kvm:* | tsc-align | push --create nats://127.0.0.1:4222/FLEET/fleet.node7.host',
  ],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  const [operand] = context.operands
  if (operand === undefined) throw new Usage('where to? push TARGET, as in push tcp:9900')
  const target = parseTarget(operand)
  const interval = parseDuration(options.interval) / 1e6
  if (interval > 60_000) throw new Usage('--interval is above a minute')
  if (target.kind === 'nats') checkSubject(target)
  const { quiet } = options as { quiet?: boolean }
  const out: Push = push(target, {
    interval,
    bound: options['max-queue'] * 1024,
    wait: options.wait,
    nats: {
      partitions: whole('partitions', options.partitions, 1024),
      key: options.partitions > 1 ? partitionKey(options['partition-by']) : null,
      stream: {
        create: options.create,
        size: whole('stream-size', options['stream-size'], 2 ** 30) * 2 ** 20,
        keep: parseDuration(options.keep) / 1e6,
        replicas: whole('replicas', options.replicas, 5),
      },
      resume: options.resume,
    },
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

function whole(name: string, n: number, most: number): number {
  if (!Number.isInteger(n) || n < 1 || n > most) throw new Usage(`--${name} is a whole number from 1 to ${most}`)
  return n
}

function checkSubject({ name, subject }: { name: string; subject: string }): void {
  if (subject === '' || subject.includes('*'))
    throw new Usage(`${name}: under which subject? as in nats://127.0.0.1:4222/FLEET/fleet.node7.vm1`)
}

/** Of the members, those that an event has; undefined where it has none of them. */
function partitionKey(members: string): PartitionKey {
  const getters = members.split(',').map(keyByMembers)
  return (record) => {
    const values = getters.map((get) => get(record))
    return values.every((value) => value === undefined) ? undefined : values.join(',')
  }
}

function rethrow(error: unknown): never {
  throw failure(error)
}

function failure(error: unknown): unknown {
  return error instanceof TransportError ? new Failure(error.message) : error
}

function nameOf({ kind, name }: Target): string {
  return kind === 'standard' ? 'stdout' : name
}
