/**
 * Lines of the wire format: the scanner, the view and what writes lines anew, against JSON.parse. Lines come together,
 * so that repeated ones (assembly/repeat.ts) are met as well.
 */
import assert from 'node:assert/strict'
import {
  HAS,
  HAS_BROKEN,
  HAS_TS,
  HAS_TSC,
  LINE,
  REASON,
  REASON_NAMES,
  ROW_WORDS,
  TIME,
} from '../../../lib/assembly/layout.js'
import { sourceName } from '../../../lib/transport/source-name.js'
import { allocate, bytes, scanner, words } from '../../../lib/wire/memory.js'
import { link } from '../../../lib/wire/output.js'
import { memberName, RecordView } from '../../../lib/wire/record.js'
import { type Line, readLine } from '../../reference/line.js'
import { type Target, UsedUp } from '../target.js'

const LONGEST = 4096
const room = allocate(LONGEST + 128)
const rows = allocate(ROW_WORDS * 4 * LONGEST)
const view = new RecordView()
let made = ''
const out = link(
  (record) => {
    made = record.line
  },
  () => {},
)
const fields = ['args', 'key', 'start', 'end', 'count', 'x']
const naming = sourceName('guest')

const lines = [
  '{"ts":"622646838686","src":"host","event":"kvm:kvm_msi_set_irq","cpu":1,"pid":289,"comm":"qemu-system-x86","flags":"....","args":{"address":"4276097024","data":40},"vm":"g"}',
  '{"tsc":"18446744073709551615","src":"guest","event":"irq:irq_handler_entry","cpu":0,"pid":0,"comm":"<idle>","args":{"irq":26,"name":"virtio0-input.0"},"key":"9007199254740993"}',
  '{"type":"pair","start":"a","end":"b","key":7,"start_ts":"10","end_ts":"25","delta_ns":15,"start_cpu":0,"end_cpu":1,"start_src":"host","end_src":"guest"}',
  '{"type":"lost","src":"host","cpu":0,"count":12,"from":"1000","to":"9000"}',
  ' { "text" : "a\\u0041\\n\\ud83d\\ude00" , "key" : "k\\"1" , "args" : [ 1e3 , null , true , { } ] } ',
]

export const record: Target = {
  seeds: () => [
    Buffer.from(lines.map((line) => `${line}\n`).join('')),
    ...lines.map((line) => Buffer.from(`${line}\n${line.replace(/\d(?=")/, '7')}\n\n${line}\n`)),
  ],
  words: [
    ...[
      '"ts":"',
      '"tsc":',
      '"src":"',
      '"event":"',
      '"cpu":',
      '"pid":',
      '"comm":',
      '"flags":"',
      '"text":',
      '"args":{',
      '"key":',
      '"vm":"',
    ],
    ...[
      '"type":"pair",',
      '"start":',
      '"end":',
      '"end_ts":"',
      '"end_tsc":',
      '"start_src":',
      '"end_src":',
      '"delta_ns":',
      '"delta_tsc":',
    ],
    ...[
      'null',
      'true',
      'false',
      '\\u0000',
      '\\ud800',
      '\\u0074',
      '\\"',
      '\\\\',
      '[[[[',
      ']]]]',
      '{}',
      '\u00ef\u00bb\u00bf',
      '\u00e2\u0080\u00ae',
    ],
    ...[
      '18446744073709551615',
      '-9223372036854775808',
      '9223372036854775808',
      '"host"',
      '"__proto__":',
      '\n',
      '\r\n',
      ' \t',
      ',',
      ':',
    ],
  ],
  longest: LONGEST,
  run(input) {
    const closed = input.at(-1) === 10 ? input : Buffer.concat([input, Buffer.from('\n')])
    closed.copy(bytes, room)
    bytes.fill(junk, room + closed.length, room + closed.length + 64)
    junk ^= 0xff
    const wanted = splitLines(closed).filter((line) => !/^[ \t\r]*$/.test(line.toString('latin1')))
    const count = scanner.scan(room, room + closed.length, rows, LONGEST)
    assert.equal(scanner.scannedTo(), room + closed.length, 'the scanner stops before the end')
    assert.equal(count, wanted.length, 'rows of lines')
    wanted.forEach((line, i) => {
      view.row = (rows >> 2) + i * ROW_WORDS
      view.renderer = null
      check(line, readLine(line))
    })
  },
}

/** What stands behind the last line: nothing may depend on it. */
let junk = 0x22

function splitLines(text: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at)
    found.push(text.subarray(at, end))
    at = end + 1
  }
  return found
}

function check(line: Buffer, wanted: Line | null): void {
  const { row } = view
  const broken = ((words[row + HAS] as number) & HAS_BROKEN) !== 0
  assert.equal(broken, wanted === null, `${broken ? 'refused' : 'taken'}: ${line}`)
  if (wanted === null) return
  const reason = words[row + REASON] as number
  if (reason === REASON_NAMES && wanted.doubtful === false) throw new UsedUp()
  if (wanted.doubtful !== undefined) assert.equal(reason !== 0, wanted.doubtful, `in doubt (${reason}): ${line}`)
  if (reason !== 0 || wanted.doubtful !== false) return
  for (const name of ['event', 'src', 'vm', 'type', 'cpu', 'pid', 'comm', 'flags', 'text'] as const)
    assert.equal(view[name], wanted[name], `${name}: ${line}`)
  if (wanted.type === '') {
    assert.equal(view.time, wanted.time, `time: ${line}`)
    if (wanted.unit) assert.equal(view.has(HAS_TS), wanted.unit === 'ts', `unit: ${line}`)
  }
  const { key } = view
  assert.equal(typeof key === 'number' ? BigInt(key) : key, wanted.key, `key: ${line}`)
  for (const name of fields) {
    const last: Line['members'][number] | undefined = wanted.members.findLast((member) => member.name === name)
    assert.equal(view.json(memberName(name)), last?.json, `${name}: ${line}`)
  }
  rewritten(line, wanted)
}

function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text)
}

/** What filters do to a line, and what must have become of its members then. */
function rewritten(line: Buffer, wanted: Line): void {
  const row = Int32Array.from(words.subarray(view.row, view.row + ROW_WORDS))
  const again = () => words.set(row, view.row)
  const before = parsed(line.toString())
  out.append(view, ',"more":[1]')
  assert.deepEqual(parsed(made), { ...before, more: [1] }, `with a member more: ${line}`)
  if (view.has(HAS_TS | HAS_TSC) && wanted.type === '') {
    words[view.row + TIME] = -5
    words[view.row + TIME + 1] = -1
    out.retime(view, false)
    const { tsc: _, ...rest } = before
    assert.deepEqual(
      { ...parsed(made), tsc: undefined },
      { ...rest, ts: '-5', tsc: undefined },
      `with another time: ${line}`,
    )
    again()
  }
  naming.pass(view, out)
  const named = readLine(Buffer.from(made)) as Line
  const claims = ['src', 'vm', 'start_src', 'end_src']
  for (const claim of claims) {
    const said = named.members.filter(({ name }) => name === claim)
    assert.ok(said.length <= 1 && said.every(({ json }) => json === '"guest"'), `${claim} of ${made}`)
    if (Object.hasOwn(before, claim)) assert.equal(said.length, 1, `${claim} of ${made}`)
  }
  if (wanted.type === '') assert.equal(named.src, 'guest', made)
  const others = (all: object) => Object.entries(all).filter(([name]) => !claims.includes(name))
  assert.deepEqual(others(parsed(made)), others(before), `named: ${line}`)
  again()
  assert.equal(words[view.row + LINE], row[LINE])
}
