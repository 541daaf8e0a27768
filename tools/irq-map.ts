/**
 * irq-map - which device and queue an interrupt is, and which CPU it goes to.
 *
 * Reads /proc/interrupts and what sysfs says of the PCI devices, or a saved /proc/interrupts alone: the number
 * that an MSI has at its controller holds the device's address. It shows where interrupts go (--watch: how often)
 * and sends them elsewhere (--affinity).
 *
 * What can mislead: counts are since boot, and 32 bits wide. What was set is not always what is in effect: both are shown.
 */
import { type Context, type Spec, source, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { parseSetting } from '../lib/interrupts/affinity.js'
import { change } from '../lib/interrupts/changing.js'
import { learn } from '../lib/interrupts/learnt.js'
import { list, type Run } from '../lib/interrupts/listing.js'
import { watch } from '../lib/interrupts/watching.js'

const spec = {
  name: 'irq-map',
  summary: 'which device and queue an interrupt is, and which CPU it goes to',
  operands: '[file...]',
  own: Number.POSITIVE_INFINITY,
  options: {
    of: {
      type: 'string',
      array: true,
      value: 'name',
      describe:
        "only these: a number, an interrupt's name (virtio2-*), the address of a device, its driver, its interface or disk; may come again",
    },
    watch: {
      alias: 'w',
      type: 'string',
      value: 'interval',
      requiresArg: false,
      describe: 'how often they come, every so long, until ^C; without a value 1s',
    },
    count: { alias: 'n', type: 'number', value: 'n', describe: 'how many intervals to watch' },
    affinity: {
      type: 'string',
      array: true,
      value: 'irq=cpulist',
      describe: 'send this interrupt to these CPUs, and say what the kernel made of it; may come again',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'with --affinity: change nothing' },
    learn: {
      type: 'boolean',
      default: false,
      describe: "from recordings of host and guest: which vector on which vCPU is which of the guest's interrupts",
    },
    root: {
      type: 'string',
      value: 'folder',
      default: '/',
      describe: 'where proc and sys are: a copy, or another mount',
    },
    json: { type: 'boolean', default: false, describe: 'write records instead of a table' },
  },
  examples: [
    'irq-map --of eth1',
    'irq-map interrupts.txt',
    'irq-map --watch 1s --of virtio_net',
    'irq-map --affinity 57=1 --affinity 58=2-3',
    'order host.ndjson guest.ndjson | irq-map --learn --json',
  ],
} as const satisfies Spec

export default source(spec, async (options, context, out) => {
  const root = options.root.replace(/\/+$/, '')
  const run: Run = { context, out, json: options.json, root, wanted: options.of ?? [] }
  const files = given(context)
  const settings = (options.affinity ?? []).map((text) => usage(() => parseSetting(text)))
  if (options['dry-run'] && settings.length === 0) throw new Usage('--dry-run is for --affinity')
  if (options.count !== undefined && options.watch === undefined) throw new Usage('--count is for --watch')
  if (options.learn) {
    if (settings.length > 0 || options.watch !== undefined)
      throw new Usage('--learn looks at recordings, not at this machine')
    return learn(run, files.length > 0 ? files : ['-'])
  }
  const [file, ...more] = files
  if (more.length > 0) throw new Usage('one saved table at a time')
  if (file !== undefined && (options.watch !== undefined || settings.length > 0))
    throw new Usage('a saved table can be neither watched nor changed')
  if (settings.length > 0 && options.watch !== undefined) throw new Usage('one of --affinity and --watch')
  if (settings.length > 0) return change(run, settings, options['dry-run'])
  if (options.watch === undefined) return list(run, file)
  return watch(
    run,
    usage(() => parseDuration(options.watch || '1s')),
    options.count ?? Number.POSITIVE_INFINITY,
  )
})

/** No file is this machine, and `-` is stdin. */
function given({ operands, files }: Context): readonly string[] {
  return operands.length === 0 && files.join() !== '-' ? files : operands
}

function usage<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}
