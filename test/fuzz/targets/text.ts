/**
 * Trace text in its forms: what comes out are records that every filter takes, and the same ones however the text comes
 * in pieces.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TextFormat, textFormats } from '../../../lib/text/detect.js'
import type { TextCounts } from '../../../lib/text/reading.js'
import { readLine } from '../../reference/line.js'
import { parseText } from '../../support/text.js'
import type { Target } from '../target.js'

const LONGEST = 2048

/** The first lines of what the golden cases read. */
function fromCases(pattern: RegExp): Buffer[] {
  const root = 'test/cases/parse'
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name))
  return found
    .sort()
    .filter((name) => isSeed(join(root, name)))
    .flatMap((name) => pieces(readFileSync(join(root, name))))
}

function isSeed(path: string): boolean {
  return statSync(path).isFile() && !/(cmd|expected|expected\.err|status|\.gz)$/.test(path)
}

/** Whole lines from several places of a file. */
function pieces(file: Buffer): Buffer[] {
  return [0, 0.3, 0.6].flatMap((part) => {
    const from = part === 0 ? 0 : file.indexOf(10, Math.floor(file.length * part)) + 1
    const some = file.subarray(from, from + 700)
    const end = some.lastIndexOf(10) + 1
    return end > 0 ? [some.subarray(0, end)] : []
  })
}

const names: Record<TextFormat, RegExp> = {
  ftrace: /ftrace|lost|comm|stacks\/|vmpipe|tracer/,
  'trace-cmd': /trace-cmd/,
  'perf-script': /perf-script/,
  'perf-prof': /perf-prof/,
}

const heads = [
  ...['    kworker/1:0-31764 [001] 1212277.097055: sched_waking: comm=CPU 0/KVM pid=38610 prio=120 target_cpu=026\n'],
  ...[
    '          <idle>-0     (-------) [000] d..2. 323762963435: sched_switch: prev_comm=a prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm=b next_pid=8 next_prio=-5\n',
  ],
  ...[
    'CPU:1 [LOST 120 EVENTS]\n',
    ' => f1+0x1/0x2\n',
    '[120 EVENTS DROPPED]\n',
    '# vmpipe stream version=1 session=5d8f clock=x86-tsc\n',
    '# vmpipe lost count=3\n',
  ],
  ...[
    '       CPU 0/KVM   162/160 [000]    61.116808123:          1  kvm:kvm_inj_virq: IRQ 0xec\n',
    '\t    ffffffff81 func+0x1 ([kernel])\n',
    'PERF_RECORD_LOST lost 120\n',
  ],
  ...[
    '2023-04-12 13:47:26.370747 G           <idle>      0 d.h. [077] 186430.038050: irq:irq_handler_entry: irq=38 name=virtio0-input.3\n',
    'trace-vm1.dat: ',
  ],
  ...[
    'kvm_msi_set_irq: dst 1 vec 40 (Fixed|physical|edge)',
    'kvm_exit: vcpu 0 reason HLT rip 0x10 info1 0x0',
    'function:             irqfd_inject <-- x',
    ' a=1 b=0x2 c="q" d={1,2}',
  ],
  ...[
    '18446744073709551616',
    '0xffffffffffffffff',
    '[4294967295]',
    '-2147483648',
    '. ',
    ': ',
    '=',
    '\t',
    '\r',
    '\u00ff',
    '\u0000',
    '>',
    '...',
    '\n\n',
  ],
]

function withoutStack(line: string): object {
  return { ...JSON.parse(line), stack: undefined }
}

export function text(format: TextFormat): Target {
  return {
    seeds: () => fromCases(names[format]),
    words: [...heads, ...Object.keys(textFormats)],
    longest: LONGEST,
    async run(input) {
      const whole = await parseText(input, format)
      for (const line of whole.lines) {
        const read = readLine(Buffer.from(line))
        assert.ok(read && read.doubtful !== true, `no filter takes ${line}`)
        assert.ok(read.event !== '' || read.type !== '', `neither event nor type: ${line}`)
        assert.ok(read.src !== '', `no src: ${line}`)
      }
      const cut = await parseText(input, format, { pieces: [1, 7, 64, 3] })
      // a stack finds its event only while that is held
      assert.deepEqual(cut.lines.map(withoutStack), whole.lines.map(withoutStack), 'in pieces')
      const counts = ({ headers, not_utf8 }: TextCounts) => ({ headers, not_utf8 })
      assert.deepEqual(counts(cut.counts), counts(whole.counts), 'counts in pieces')
    },
  }
}
