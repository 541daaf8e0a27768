/**
 * pull - receive a stream that push sends: from TCP, a unix socket, a port, a FIFO, a file, NATS.
 *
 * Writes what comes, with the `src` that this side gives it, and an account of what did not come: the sender counts
 * its lines, so a loss on the way is told exactly, as a `lost` record where the gap is. Connects again when the
 * sender goes, and takes the stream up at the beginning of a line.
 *
 * Of nats://…/STREAM it reads what all publishers sent, or one partition of it, with a consumer that remembers how
 * far what was read has been written: a worker that dies is replaced by another.
 *
 * What can mislead: what is lost before pull joins a running session is not a loss; the summary says how many lines
 * went before.
 */
import { MAX_NAME_LENGTH } from '../lib/assembly/layout.js'
import { type Context, Failure, type OptionValues, type Spec, type Summary, source, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { FIRST_TRY_MS } from '../lib/transport/connection.js'
import { TransportError } from '../lib/transport/failure.js'
import { inlet } from '../lib/transport/inlet.js'
import type { NatsTarget } from '../lib/transport/nats-address.js'
import { pullNats } from '../lib/transport/nats-pull.js'
import { type Pulled, pull } from '../lib/transport/pull.js'
import { parseTarget } from '../lib/transport/target.js'
import type { Out } from '../lib/wire/output.js'

declare const VERSION: string

const spec = {
  name: 'pull',
  summary: 'receive a stream that push sends',
  operands: '<target>',
  own: 1,
  options: {
    src: { type: 'string', value: 'name', default: 'guest', describe: 'who saw the events: guest, host, or a name' },
    'no-retry': {
      type: 'boolean',
      default: false,
      describe: 'end where the connection ends, or cannot be made',
    },
    follow: {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: "go on after the sender's `end`, for its next session",
    },
    worker: {
      type: 'string',
      value: 'name',
      default: 'vmpipe',
      describe: 'of NATS: the consumer that remembers how far it has read',
    },
    partition: {
      type: 'string',
      value: 'k/n',
      describe: 'of NATS: one of the partitions of push --partitions, 1/4 to 4/4',
    },
    resume: {
      type: 'string',
      value: 'file',
      describe: 'of NATS: the file that the output is appended to: go on where it ends, each record once',
    },
    replay: {
      type: 'string',
      value: 'duration',
      default: '10m',
      describe: 'of NATS, with --resume: how far back, for starts that a dead worker had open',
    },
  },
  examples: [
    'pull :9900 | pair irq_handler_entry irq_handler_exit | histo',
    'pull --src vm1 unix:/run/vm1.sock',
    'pull --partition 1/2 nats://127.0.0.1:4222/FLEET | pair irq_handler_entry irq_handler_exit | histo',
  ],
} as const satisfies Spec

const HOLD = { bytes: 1 << 22, ms: 1000 }

export default source(spec, async (options, context, out) => {
  const [operand] = context.operands
  if (operand === undefined) throw new Usage('from where? pull TARGET, as in pull 127.0.0.1:9900')
  if (context.files.join() !== '-') throw new Usage('pull reads one target; order merges several streams')
  if (options.src === '') throw new Usage('--src is empty')
  if (Buffer.byteLength(options.src) > MAX_NAME_LENGTH) throw new Usage(`--src is longer than ${MAX_NAME_LENGTH} bytes`)
  const target = targetOf(operand)
  const { src, follow } = options
  if (target.kind === 'nats') return fromNats(target, options, context, out)
  const pulled = await pull(
    inlet(target),
    { src, follow, retry: !options['no-retry'], hold: HOLD, pause: FIRST_TRY_MS },
    context,
    out,
  )
  const { text, records, lost, unknown, before, reconnects } = pulled
  return text
    ? { line: sentence(pulled) }
    : { line: sentence(pulled), counts: { records, lost, unknown, before, reconnects } }
})

async function fromNats(
  target: NatsTarget,
  options: OptionValues<typeof spec.options>,
  context: Context,
  out: Out,
): Promise<Summary> {
  const { follow, worker, partition, replay } = options
  const { quiet = false } = options as { quiet?: boolean }
  if (!/^[\w-]+$/.test(worker)) throw new Usage(`--worker ${JSON.stringify(worker)} is not a word`)
  const [, k, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(partition ?? '1/1') ?? []
  if (!(Number(k) >= 1 && Number(k) <= Number(of))) throw new Usage('--partition is K/N, as in 1/4')
  const place = partition === undefined ? null : { k: Number(k), of: Number(of) }
  try {
    const { repeated, publishers, ...pulled } = await pullNats(
      target,
      {
        retry: !options['no-retry'],
        follow,
        worker,
        place,
        output: options.resume,
        replay: parseDuration(replay) / 1e6,
        tool: `pull ${VERSION}`,
        quiet,
      },
      context,
      out,
    )
    const { records, lost, unknown, before, reconnects } = pulled
    return {
      line: `${sentence({ ...pulled, text: false })}, of ${publishers} publishers${repeated > 0 ? `, ${repeated} repeated messages left out` : ''}`,
      counts: { records, lost, unknown, before, reconnects, publishers, repeated },
    }
  } catch (error) {
    throw error instanceof TransportError ? new Failure(error.message) : error
  }
}

function targetOf(operand: string) {
  try {
    return parseTarget(operand)
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

/** `1204 records, 12 lost, 1 reconnect, 300 before`. */
function sentence({ text, records, lost, unknown, before, reconnects }: Pulled): string {
  const parts = [`${records} ${text ? 'lines' : 'records'}, ${lost} lost`]
  if (unknown > 0) parts.push(`${unknown} ${unknown === 1 ? 'loss' : 'losses'} of unknown size`)
  if (reconnects > 0) parts.push(`${reconnects} reconnect${reconnects === 1 ? '' : 's'}`)
  if (before > 0) parts.push(`${before} before`)
  return parts.join(', ')
}
