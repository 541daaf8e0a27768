/** What parse reads line by line, as one JSON document, or finds out for itself: records that every filter takes. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import parse from '../../../tools/parse.js'
import { runOn } from '../../faults/running.js'
import { readLine } from '../../reference/line.js'
import type { Target } from '../target.js'

const LONGEST = 2048

const graphs = [
  ...[
    ' 1) + 12.345 us |  name() {\n',
    ' 1)   0.1 us   |  leaf(); /* [kvm] */\n',
    ' 1) ! 120 us |  } /* name */\n',
    ' 0)  prev-12 => next-34 \n',
    ' ------------------------------------------\n',
  ],
  ...[
    ' 1)   ==========> |\n',
    ' 1)   <========== |\n',
    ' 1)               |  /* sched_waking: comm=a pid=1 prio=120 target_cpu=000 */\n',
    '12.345678 |   ',
    'CPU:1 [LOST 12 EVENTS]\n',
    '# vmpipe lost count=',
  ],
]
const timelines = ['1m37.267113s cpu15上的pmd8进程 text\n', '2h3m4.5s x\n', '0m0s y\n', 'cpu', '# c\n']
const samples = [
  ...[
    '{"linux-perf-json-version":1,"samples":[',
    '{"timestamp":12,"pid":1,"tid":2,"cpu":3,"comm":"c","event":"a:b","callchain":[{"ip":"0x1","symbol":"f"}],"x":"1"}',
    ']}',
    ',',
    '"x":18446744073709551615',
    '"timestamp":1.5',
  ],
  ...[
    '{"traceEvents":[',
    '{"ph":"X","ts":1.5,"dur":2,"pid":1,"tid":2,"name":"n","cat":"c","args":{"a":1}}',
    '{"ph":"B"',
    '{"ph":"E"',
    '{"ph":"i","s":"t"',
    '{"ph":"b","id":"1"',
    '{"ph":"M","name":"process_name"',
  ],
]

/** `form`: what --from says. */
export function forms(form: string, cases: RegExp): Target {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fuzz-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  return {
    seeds: () => fromCases(cases),
    words:
      form === 'auto'
        ? [...graphs, ...timelines, ...samples, '# tracer: nop\n']
        : /json/.test(form)
          ? samples
          : form === 'systemtap'
            ? timelines
            : graphs,
    longest: LONGEST,
    async run(input) {
      const { lines } = await runOn(parse, ['--from', form], input, join(folder, 'input'))
      for (const line of lines) {
        const read = readLine(Buffer.from(line))
        assert.ok(read && read.doubtful !== true, `no filter takes ${line}`)
        assert.ok(read.event !== '' || read.type !== '', `neither event nor type: ${line}`)
      }
    },
  }
}

function fromCases(pattern: RegExp): Buffer[] {
  const root = 'test/cases/parse'
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !/(cmd|expected|expected\.err|status|\.gz)$/.test(name))
    .sort()
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path).subarray(0, LONGEST))
}
