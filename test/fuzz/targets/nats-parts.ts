/** What stands around the messages of NATS: the address, where a worker's output ends, and the dealing out of lines. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TransportError } from '../../../lib/transport/failure.js'
import { type NatsTarget, parseNats } from '../../../lib/transport/nats-address.js'
import { dealer } from '../../../lib/transport/nats-partition.js'
import { type Mark, resume } from '../../../lib/transport/nats-resume.js'
import { readLine } from '../../reference/line.js'
import type { Target } from '../target.js'

const address = 'nats://127.0.0.1:4222,[::1]:4223/FLEET/fleet.node7.vm1'

/** An address is refused, or says all that it was made of; a secret is not said back. */
export const natsAddress: Target = {
  seeds: () => [address, 'tls://h/F', 'nats://user:secret@h:4222/F/a.*.*', 'nats://h'].map((text) => Buffer.from(text)),
  words: [
    'nats://',
    'tls://',
    '@',
    ':',
    '/',
    ',',
    '.',
    '*',
    ':secret',
    ':1234',
    'user',
    '[::1]',
    '\n',
    '%40',
    '?',
    '#',
  ],
  longest: 256,
  run(input) {
    const text = input.toString('latin1')
    let target: NatsTarget
    try {
      target = parseNats(text)
    } catch (error) {
      const { message, name, stack } = error as Error
      assert.equal(name, 'Error', stack)
      if (text.includes('@'))
        assert.match(message, /^a password in an address [^@]*$/, 'what stands before the @ is said')
      return
    }
    const { tls, servers, stream, subject, name } = target
    const made = `${tls ? 'tls' : 'nats'}://${servers.join(',')}/${stream}${subject && `/${subject}`}`
    assert.ok(text === made || text === `${made}/`, `${text} is ${made}`)
    assert.equal(name, text)
    assert.ok(!text.includes('@') && !/[^!-~]/.test(text))
    assert.ok(subject === '' || subject.split('.').length >= 3)
  },
}

const BEGIN = '{"type":"mark",'
const WORKER = 'vmpipe-1of2'
const STREAM = 'F 2026'
const mark = `${BEGIN}"worker":"${WORKER}","stream":"${STREAM}","seq":12,"since":7}\n`
const pair = '{"type":"pair","key":7,"args":{"text":"{\\"type\\":\\"mark\\","}}\n'
/** Stands for more than is read at once. */
const MUCH = 0x1d
const much = Buffer.alloc((1 << 20) - 40, `{"type":"pair","key":${'7'.repeat(1000)}}\n`)

let file = ''

function output(): string {
  if (file !== '') return file
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-fuzz-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  file = join(folder, 'output')
  return file
}

/** A worker's output, cut anywhere: it goes on behind the last line that is a mark, as a search from its beginning has it. */
export const natsResume: Target = {
  seeds: () =>
    [
      '',
      mark,
      BEGIN.slice(0, 5),
      `${mark}${pair}${mark}${pair}${mark.slice(0, 40)}`,
      `${mark}${pair}\u001d${pair}`,
    ].map((text) => Buffer.from(text, 'latin1')),
  words: [
    ...[BEGIN, mark, pair, '\n', '\u001d', '"seq":1', '"seq":"1"', '"since":3', ',"type":"x"', '"typ\\u0065":"mark"'],
    ...[`${BEGIN}"type":"x","worker":"${WORKER}","stream":"${STREAM}","seq":99}\n`, 'null', WORKER, STREAM, '{', '}'],
  ],
  longest: 1024,
  run(input) {
    const few = Buffer.from(input.filter((byte, at) => byte !== MUCH || input.indexOf(MUCH) === at))
    const at = few.indexOf(MUCH)
    const text = at < 0 ? few : Buffer.concat([few.subarray(0, at), much, few.subarray(at + 1)])
    const path = output()
    writeFileSync(path, text)
    const wanted = searched(text)
    let found: Mark | undefined
    try {
      found = resume(path, WORKER, STREAM)
    } catch (error) {
      assert.ok(error instanceof TransportError, String((error as Error).stack))
      assert.ok(wanted === 'refused', error.message)
      assert.equal(readFileSync(path).compare(text), 0, 'refused, and changed')
      return
    }
    assert.notEqual(wanted, 'refused')
    if (wanted === 'refused') return
    assert.deepEqual(found && { seq: found.seq, since: found.since }, wanted.mark)
    assert.equal(readFileSync(path).compare(text.subarray(0, wanted.end)), 0, `not cut at ${wanted.end}`)
  },
}

function searched(text: Buffer): 'refused' | { mark: { seq: number; since: number } | undefined; end: number } {
  let last: { mark: { seq: number; since: number }; own: boolean; end: number } | undefined
  let from = 0
  for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, from)) {
    const members = membersOf(text.toString('utf8', from, end))
    from = end + 1
    const { seq, since = seq, type, worker, stream } = members ?? {}
    if (type === 'mark' && Number.isSafeInteger(seq) && Number.isSafeInteger(since))
      last = {
        mark: { seq: seq as number, since: since as number },
        own: worker === WORKER && stream === STREAM,
        end: from,
      }
  }
  if (last) return last.own ? last : 'refused'
  const begun = text.toString('utf8')
  const first = from === 0 && text.length < 1 << 20 && (begun.startsWith(BEGIN) || BEGIN.startsWith(begun))
  return first ? { mark: undefined, end: 0 } : 'refused'
}

function membersOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith(BEGIN)) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Dealers keep memory: one for each number of partitions and node. */
const dealers = new Map<string, ReturnType<typeof dealer>>()

function dealerOf(partitions: number, node: string): ReturnType<typeof dealer> {
  const made = dealers.get(`${partitions} ${node}`) ?? dealer(partitions, ({ key }) => key as number | string, node)
  dealers.set(`${partitions} ${node}`, made)
  return made
}

const dealt = [
  '{"ts":"1","src":"host","event":"start","key":24}',
  '{"ts":"2","src":"vm1","event":"end","key":"24"}',
  '{"ts":"3","src":"vm1","event":"end","pid":7,"cpu":1}',
  '{"ts":"4","event":"end","cpu":1,"key":"text"}',
  '{"type":"lost","src":"host","count":3}',
  '{"type":"pair","key":24}',
  '{"ts":',
]

/** The first byte says how many partitions. Each line comes to one, a loss to all, as it was; equal keys meet. */
export const natsPartition: Target = {
  seeds: () =>
    [2, 3, 7].map((n) => Buffer.from(`${String.fromCharCode(n)}${dealt.map((line) => `${line}\n`).join('')}`)),
  words: [
    ...dealt.map((line) => `${line}\n`),
    ...[
      '"key":',
      '"key":"24"',
      '"key":18446744073709551615',
      '"key":"18446744073709551615"',
      '"key":null',
      '"key":[1]',
    ],
    ...[
      '"pid":7',
      '"cpu":0',
      '"type":"lost"',
      '"typ\\u0065":"lost"',
      '\n',
      '\r\n',
      '\\u0000',
      '{}',
      '"src":"vm1"',
      '\u00ff',
    ],
  ],
  longest: 2048,
  run(input) {
    const partitions = ((input[0] ?? 0) % 9) + 1
    const lines = linesOf(input.subarray(1))
    const chunk = { bytes: Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'), lines: lines.length }
    const parts = dealerOf(partitions, 'node7')(chunk)
    assert.equal(parts.length, partitions)
    const left = parts.map(({ bytes, lines }) => {
      const found = linesOf(bytes)
      assert.equal(found.length, lines, 'lines as counted')
      return found
    })
    const places = new Map<string, number>()
    for (const line of lines) {
      const read = readLine(Buffer.from(line, 'latin1'))
      const toAll = read?.type === 'lost' && read.doubtful === false
      const holders = left.flatMap((one, k) => (one[0] === line ? [k] : []))
      // of doubtful ones only that none is missing
      if (!toAll && read?.doubtful === undefined && read?.type === 'lost') return
      if (toAll) assert.equal(holders.length, partitions, `a loss that is not told to all: ${line}`)
      assert.ok(holders.length > 0, `in no partition, or in another order: ${line}`)
      const key = read?.type === '' && read.doubtful === false && read.key !== undefined ? String(read.key) : undefined
      const known = key === undefined ? undefined : places.get(key)
      // an equal line may be the next one of another partition, too
      const place = toAll ? -1 : known !== undefined && holders.includes(known) ? known : (holders[0] as number)
      if (known !== undefined) assert.equal(place, known, `key ${key} in two partitions`)
      if (key !== undefined) places.set(key, place)
      left.forEach((one, k) => {
        if (toAll || k === place) one.shift()
      })
    }
    for (const one of left) assert.deepEqual(one, [], 'more than came')
  },
}

function linesOf(text: Buffer): string[] {
  return text
    .toString('latin1')
    .split('\n')
    .filter((line) => !/^[ \t\r]*$/.test(line))
}
