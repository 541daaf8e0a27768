/**
 * capture-guest - trace events of the machine it runs in, a guest, and send them to its host.
 *
 * The same capture as capture-host's, under the name `guest`, to stdout or (--push) through the guest's port. For a
 * guest in which nothing can be installed, --script prints a shell script that does what it can of this.
 *
 * What can mislead: sending makes events. Interrupts of the port, and the switches to the sender, are in what it
 * traces; it sends in batches, and says its own share.
 */

import { captureOptions, request } from '../lib/capture/options.js'
import { pushing } from '../lib/capture/pushing.js'
import { captureScript, notInScript } from '../lib/capture/script.js'
import type { Request } from '../lib/capture/setup.js'
import { runCapture } from '../lib/capture/tool.js'
import { type Spec, source, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'

const spec = {
  name: 'capture-guest',
  summary: 'trace events of this guest, and send them to its host',
  operands: '',
  own: Number.POSITIVE_INFINITY,
  options: {
    ...captureOptions,
    src: { type: 'string', value: 'name', default: 'guest', describe: 'the name of this machine in the stream' },
    push: {
      type: 'string',
      value: 'target',
      describe: 'where to, as push has it: /dev/virtio-ports/NAME, tcp:PORT, …',
    },
    interval: {
      type: 'string',
      value: 'duration',
      default: '250ms',
      coerce: parseDuration,
      describe: 'with --push or --script: how often it sends',
    },
    wait: { type: 'boolean', default: false, describe: 'with --push: wait for a port that is not there or busy' },
    script: { type: 'boolean', default: false, describe: 'print a script for a guest with nothing but sh and awk' },
  },
  examples: [
    `capture-guest -e 'irq:irq_handler_entry/name ~ "virtio*-input*"/' --push /dev/virtio-ports/org.vmpipe.0`,
    'capture-guest --script -e irq:* --push /dev/virtio-ports/org.vmpipe.0 > capture.sh',
  ],
} as const satisfies Spec

declare const VERSION: string

export default source(spec, async (options, context, out) => {
  if (context.operands.length > 0) throw new Usage(`${context.operands[0]}: no operand is expected`)
  const interval = options.interval / 1e6
  if (options.script) {
    context.print(scriptOf(request(options), options.push, interval, options.duration))
    return undefined
  }
  if (options.push === undefined)
    return runCapture(spec.name, options, context, { out, ready: () => context.ready?.() }, false)
  const { close, ...taker } = pushing(options.push, { ...options, interval, tool: `${spec.name} ${VERSION}` }, context)
  return close(await runCapture(spec.name, options, context, taker, false))
})

function scriptOf(wanted: Request, target: string | undefined, interval: number, duration: number | undefined): string {
  const not = notInScript(wanted)
  if (not) throw new Usage(`--script: ${not}`)
  return captureScript(wanted, {
    target: target ?? '-',
    interval,
    duration: duration === undefined ? undefined : duration / 1e6,
  })
}
