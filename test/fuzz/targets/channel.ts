/**
 * What comes over a channel, cut where a byte 0x1e stands: whatever it is, records have the receiver's name, text is
 * text, and the counts of what came are those of the lines that went on.
 */
import assert from 'node:assert/strict'
import { readLine } from '../../reference/line.js'
import { pullParts } from '../../support/channel.js'
import type { Target } from '../target.js'

const CUT = 0x1e
const records = [
  '{"type":"stream","version":1,"session":"5d8f","sent":0}',
  '{"ts":"100","event":"a","src":"host","vm":"other","args":{"i":1}}',
  '{"ts":"200","event":"b"}',
  '{"type":"clock","wall":"1700000000000000000","session":"5d8f","sent":2}',
  '{"type":"lost","src":"host","count":3}',
  '{"type":"pair","start_src":"host","end_src":"x","delta_ns":5}',
  '{"type":"end","session":"5d8f","sent":4}',
]
const text = [
  '# vmpipe stream version=1 session=5d8f clock=x86-tsc hostname=g kernel=6.1',
  '           comm1-1      [000] d..1. 5000: e: i=1',
  'CPU:0 [LOST 3 EVENTS]',
  '# vmpipe clock session=5d8f sent=2',
  '# vmpipe lost count=12',
  '# vmpipe end session=5d8f sent=2',
]
const joined = (lines: readonly string[], cut = '') => Buffer.from(lines.map((line) => `${line}\n${cut}`).join(''))

export const channel: Target = {
  seeds: () =>
    [records, text].flatMap((lines) => [
      joined(lines),
      joined(lines, '\u001e'),
      joined(lines.slice(1)),
      joined([...lines, ...lines]),
    ]),
  words: [
    '\u001e',
    '"sent":',
    '"session":"5d8f"',
    '"session":"x"',
    ' sent=',
    ' session=5d8f',
    ' session=x',
    '# vmpipe ',
    ...records.map((line) => `${line}\n`),
    ...text.map((line) => `${line}\n`),
    '18446744073709551615',
  ],
  longest: 2048,
  async run(input) {
    const parts: Buffer[] = []
    for (let at = 0; at <= input.length; ) {
      const cut = input.indexOf(CUT, at)
      const end = cut < 0 ? input.length : cut
      parts.push(input.subarray(at, end))
      at = end + 1
    }
    const { lines, said, pulled } = await pullParts(parts, [1 << 16, 5], { holdMs: 5 })
    let counted = 0
    let objects = 0
    for (const line of lines) {
      const read = readLine(Buffer.from(line))
      if (read) {
        for (const claim of ['src', 'vm', 'start_src', 'end_src'])
          for (const { name, json } of read.members) if (name === claim) assert.equal(json, '"guest"', line)
        if (read.type === '') assert.equal(read.src, 'guest', line)
      }
      if (read) objects++
      const control = pulled.text ? line.startsWith('# vmpipe ') : ['stream', 'clock', 'end'].includes(read?.type ?? '')
      if (!control) counted++
    }
    // a sender that was one and then the other is counted as what it was
    if (objects !== (pulled.text ? 0 : lines.length)) return
    const told = lines.filter((line) => /^\{"type":"lost","src":"guest"/.test(line)).length
    assert.ok(
      counted + said.length >= pulled.records && counted - told <= pulled.records,
      `${counted} lines, ${pulled.records} counted`,
    )
    assert.ok(pulled.lost >= 0 && pulled.before >= 0)
  },
}
