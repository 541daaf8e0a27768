/**
 * pull - receive a stream that push sends: from TCP, a unix socket, a port, a FIFO, a file.
 *
 * Writes what comes, with the `src` that this side gives it, and an account of what did not come: the sender counts
 * its lines, so a loss on the way is told exactly, as a `lost` record where the gap is. Connects again when the
 * sender goes, and takes the stream up at the beginning of a line.
 *
 * What can mislead: what is lost before pull joins a running session is not a loss; the summary says how many lines
 * went before.
 */
import { MAX_NAME_LENGTH } from '../lib/assembly/layout.js'
import { type Spec, source, Usage } from '../lib/cli/tool.js'
import { FIRST_TRY_MS } from '../lib/transport/connection.js'
import { inlet } from '../lib/transport/inlet.js'
import { type Pulled, pull } from '../lib/transport/pull.js'
import { parseTarget } from '../lib/transport/target.js'

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
  },
  examples: ['pull :9900 | pair irq_handler_entry irq_handler_exit | histo', 'pull --src vm1 unix:/run/vm1.sock'],
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
