/**
 * tsc-align - each machine's cycles become nanoseconds on one timeline.
 *
 * A guest's counter is the host's, scaled and offset by KVM. Host events get the guest's offset and so stand on the
 * guest's timeline; the guest's own only become nanoseconds. `--vm` asks KVM for the offset. `--check` says what the causal pairs of an aligned
 * stream prove of the offset, `--estimate` finds an offset that nobody recorded.
 *
 * What can mislead: two guests have two timelines; host events aligned to one say nothing of the other.
 */
import { type Context, filter, type OptionValues, type Spec, type Stage } from '../lib/cli/tool.js'
import { alignment } from '../lib/clock/align.js'
import { alignStage } from '../lib/clock/align-stage.js'
import { checkStage } from '../lib/clock/check.js'
import {
  type ClocksOptions,
  checkClocks,
  clocksOf,
  parseThreads,
  parseVcpu,
  unmovedClocks,
} from '../lib/clock/clocks.js'
import { parseDuration } from '../lib/clock/duration.js'
import { estimateStage } from '../lib/clock/estimate-stage.js'
import { following } from '../lib/clock/follow.js'
import { cyclesOf, parseFracBits, parseInteger64, parseKhz, parseRatio, type Rate } from '../lib/clock/machine-clock.js'
import { vmClocks } from '../lib/clock/vm-clocks.js'
import type { RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'tsc-align',
  summary: "each machine's cycles become nanoseconds on one timeline",
  operands: '[file...]',
  own: 0,
  options: {
    src: { type: 'string', describe: 'align the records of this src only; all others pass as they are' },
    vm: {
      type: 'string',
      value: 'guest',
      describe: 'NAME or PID: offsets, scaling and threads of this guest, as KVM has them and changes them',
    },
    'tsc-offset': {
      type: 'string',
      default: '0',
      coerce: parseInteger64,
      describe: 'cycles, as KVM has it: signed, or hexadecimal of 64 bits',
    },
    'tsc-scaling-ratio': { type: 'string', coerce: given(parseRatio), describe: 'as KVM has it' },
    'tsc-scaling-ratio-frac-bits': {
      type: 'string',
      coerce: given(parseFracBits),
      describe: "binary digits of the ratio's fraction: 48 on Intel, 32 on AMD",
    },
    'tsc-khz': {
      type: 'string',
      coerce: given(parseKhz),
      describe: 'frequency of the aligned counter (default: what the stream record says)',
    },
    vcpu: {
      type: 'string',
      array: true,
      default: [],
      describe: 'N:OFFSET[:RATIO]: vCPU N has its own; may come again',
    },
    'vcpu-thread': {
      type: 'string',
      array: true,
      default: [],
      describe: 'PID=N: this host thread is vCPU N; may come again',
    },
    inverse: { type: 'boolean', default: false, describe: "from a guest's counter to the host's" },
    cycles: { type: 'boolean', default: false, describe: 'the result stays in cycles (`tsc`)' },
    check: {
      type: 'string',
      array: true,
      nargs: 2,
      describe:
        'START END: what pairs of this cause and effect prove of the offset; may come again, for the other direction',
    },
    estimate: {
      type: 'boolean',
      default: false,
      describe: 'find the offset of --src (default: host) from the cycles of both machines',
    },
    to: {
      type: 'string',
      describe: 'with --estimate: the src whose counter it leads to (default: the only other one)',
    },
    forward: {
      type: 'string',
      array: true,
      nargs: 2,
      describe: 'with --estimate: START END, an event of --src that causes one of the other',
    },
    backward: {
      type: 'string',
      array: true,
      nargs: 2,
      describe: 'with --estimate: START END, an event of the other that causes one of --src',
    },
    near: { type: 'string', coerce: given(parseInteger64), describe: 'with --estimate: look only near this offset' },
    window: {
      type: 'string',
      default: '10ms',
      coerce: parseDuration,
      describe: 'with --check and --estimate: how soon an effect follows its cause',
    },
  },
  examples: [
    'tsc-align --src host --tsc-offset -530607982635 --tsc-khz 2445430 host.ndjson',
    'capture-host -e kvm:* | tsc-align --vm web1',
    'order h.ndjson g.ndjson | tsc-align --check kvm_msi_set_irq irq_handler_entry',
    'cat host.ndjson guest.ndjson | tsc-align --estimate',
  ],
} as const satisfies Spec

type Values = OptionValues<typeof spec.options>

function given<T>(parse: (text: string) => T): (text: string | undefined) => T | undefined {
  return (text) => (text === undefined ? undefined : parse(text))
}

export default filter(spec, (options, context) => {
  if (options.estimate && (options.check || options.inverse || options.vcpu.length > 0))
    throw new Error(
      '--estimate finds one offset from the host to the guest: it goes without --check, --inverse and --vcpu',
    )
  const rate = options['tsc-khz']
  if (options.vm !== undefined) return vmStage(options.vm, options, rate, context)
  const threads = parseThreads(options['vcpu-thread'])
  const given: ClocksOptions = {
    src: options.src,
    inverse: options.inverse,
    cycles: options.cycles,
    offset: options['tsc-offset'],
    ratio: options['tsc-scaling-ratio'],
    fracBits: options['tsc-scaling-ratio-frac-bits'],
    rate,
    vcpus: options.vcpu.map(parseVcpu),
    threads,
  }
  checkClocks(given)
  const { src = 'host', to, forward = [], backward = [], near } = options
  const window = options.estimate || options.cycles ? cyclesOf(options.window, rate) : options.window
  if (options.estimate) {
    const scaling = clocksOf({ ...given, src, cycles: true, offset: 0n, vcpus: [], threads: new Map() })
    return estimateStage({ src, to, forward, backward, near, window, rate, threads }, alignment(scaling, true), context)
  }
  if (options.check) {
    const align = alignment(clocksOf(given), options.cycles, unmovedClocks(given))
    return checkStage({ events: options.check, src: options.src, window, cycles: options.cycles }, align, context)
  }
  return followed(given)
})

/** Offsets by hand; where the threads are known, changes in the stream are followed. */
function followed(given: ClocksOptions): Stage {
  const { inverse, cycles, threads } = given
  const clocks = clocksOf(given)
  const align = alignment(clocks, cycles)
  if (inverse || threads.size === 0) return alignStage(align)
  const whose = { isHost: clocks.concerns, isOwn: ({ pid }: RecordView) => pid !== undefined && threads.has(pid) }
  return alignStage(align, following(clocks, whose))
}

/** Offsets as KVM has them. */
function vmStage(vm: string, options: Values, rate: Rate | undefined, context: Context): Stage {
  const { src, inverse, cycles } = options
  if (
    options['tsc-offset'] !== 0n ||
    options['tsc-scaling-ratio'] ||
    options.vcpu.length + options['vcpu-thread'].length > 0
  )
    throw new Error('--vm reads the offsets and the threads itself: it goes without those given by hand')
  if (options.check || options.estimate) throw new Error('--vm goes without --check and --estimate')
  const live = vmClocks({ vm, src, inverse, cycles, rate }, context)
  return alignStage(alignment(live.clocks, cycles), live.following, live)
}
