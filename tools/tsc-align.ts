/**
 * tsc-align - each machine's cycles become nanoseconds on one timeline.
 *
 * A guest's counter is the host's, scaled and offset by KVM. Host events get the guest's offset and so stand on the
 * guest's timeline; the guest's own only become nanoseconds. `--check` says what the causal pairs of an aligned
 * stream prove of the offset, `--estimate` finds an offset that nobody recorded.
 *
 * What can mislead: two guests have two timelines; host events aligned to one say nothing of the other.
 */
import { filter, type Spec } from '../lib/cli/tool.js'
import { type Alignment, alignment } from '../lib/clock/align.js'
import { checkStage } from '../lib/clock/check.js'
import { type ClocksOptions, clocksOf, parseThreads, parseVcpu, unmovedClocks } from '../lib/clock/clocks.js'
import { parseDuration } from '../lib/clock/duration.js'
import { estimateStage } from '../lib/clock/estimate-stage.js'
import { cyclesOf, parseFracBits, parseInteger64, parseKhz, parseRatio } from '../lib/clock/machine-clock.js'

const spec = {
  name: 'tsc-align',
  summary: "each machine's cycles become nanoseconds on one timeline",
  operands: '[file...]',
  own: 0,
  options: {
    src: { type: 'string', describe: 'align the records of this src only; all others pass as they are' },
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
    'order h.ndjson g.ndjson | tsc-align --check kvm_msi_set_irq irq_handler_entry',
    'cat host.ndjson guest.ndjson | tsc-align --estimate',
  ],
} as const satisfies Spec

function given<T>(parse: (text: string) => T): (text: string | undefined) => T | undefined {
  return (text) => (text === undefined ? undefined : parse(text))
}

export default filter(spec, (options, context) => {
  if (options.estimate && (options.check || options.inverse || options.vcpu.length > 0))
    throw new Error(
      '--estimate finds one offset from the host to the guest: it goes without --check, --inverse and --vcpu',
    )
  const rate = options['tsc-khz']
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
  const { event, record, counts } = alignment(clocksOf(given), options.cycles)
  return { event, record, end: () => ({ line: sentence(counts), counts }) }
})

function sentence({ aligned, had_ts, other_src }: Alignment['counts']): string {
  const had = had_ts > 0 ? `, ${had_ts} had ts already` : ''
  const others = other_src > 0 ? `, ${other_src} of another src` : ''
  return `${aligned} events aligned${had}${others}`
}
