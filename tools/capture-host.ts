/**
 * capture-host - trace events of this machine.
 *
 * Reads the kernel's ring buffers in binary from an instance of tracefs of its own, so that every field is exact
 * and nobody else's tracing is touched; merges the CPUs by time; says what was lost. All is undone at the end,
 * however it ends.
 *
 * What can mislead: an event's comm is the one its thread has when it is read, or that a sched event told; the
 * reader's own events are left out, but not what others do because of it.
 */
import { captureOptions } from '../lib/capture/options.js'
import { runCapture } from '../lib/capture/tool.js'
import { type Spec, source, Usage } from '../lib/cli/tool.js'

const spec = {
  name: 'capture-host',
  summary: 'trace events of this machine, exact, on its TSC',
  operands: '',
  own: Number.POSITIVE_INFINITY,
  options: {
    ...captureOptions,
    src: { type: 'string', value: 'name', default: 'host', describe: 'the name of this machine in the stream' },
  },
  examples: [
    'capture-host -e kvm:kvm_msi_set_irq,kvm:kvm_exit -d 10s > host.ndjson',
    `capture-host -e 'sched:sched_switch/prev_comm ~ "CPU*"/' | show`,
    "capture-host -p '/usr/sbin/ovs-vswitchd:netdev_send' -d 5s",
  ],
} as const satisfies Spec

export default source(spec, async (options, context, out) => {
  if (context.operands.length > 0) throw new Usage(`${context.operands[0]}: no operand is expected`)
  return runCapture(spec.name, options, context, { out, ready: () => context.ready?.() }, true)
})
