/**
 * Messages of several publishers, whatever their headers and lines say: names stand behind the host's, no sender speaks
 * for a worker, and what goes out, is said and is counted are what a plain model of the lines has. Then the same lines
 * of honest publishers, with messages that do not come, or come again: all of it once, in order, and an account that
 * closes.
 */
import assert from 'node:assert/strict'
import type { Context } from '../../../lib/cli/tool.js'
import type { Client } from '../../../lib/transport/nats-connect.js'
import { type NatsIntake, natsIntake } from '../../../lib/transport/nats-intake.js'
import { LINES, SENT, SESSION } from '../../../lib/transport/nats-lane.js'
import { idOf } from '../../../lib/wire/names.js'
import { link } from '../../../lib/wire/output.js'
import { type Line, readLine } from '../../reference/line.js'
import { type Target, UsedUp } from '../target.js'

/** Between messages; between a message's publisher, session, sent and lines, and its payload. */
const MESSAGE = 0x1e
const PAYLOAD = 0x1f
const PLACES = ['node7.vm1', 'node7.vm2', 'a-host-whose-name-is-long-among-those-of-a-fleet.host', 'n"\u00f6\\.x']
const CLAIMS = ['src', 'vm', 'start_src', 'end_src']
const LONGEST_NAME = 256
/** Intakes take memory for good. */
const RUNS = 64

interface Message {
  place: string
  session: string | undefined
  sent: string | undefined
  payload: Buffer
}

const records = [
  '{"type":"stream","version":1,"session":"5d8f","sent":0}',
  '{"ts":"100","event":"a","src":"host","vm":"vm1","args":{"i":1}}',
  '{"ts":"200","src":"vm1","event":"b"}',
  '{"type":"clock","wall":"1700000000000000000","session":"5d8f","sent":2}',
  '{"type":"lost","src":"host","count":3}',
  '{"type":"pair","start_src":"host","end_src":"vm1","delta_ns":5}',
  '{"type":"chain","stages":[{"src":"host"},{"src":""},7]}',
  '{"type":"mark","worker":"vmpipe-1of1","stream":"F","seq":7}',
  '{"type":"replay","state":"begin","whole":true}',
  '{"type":"end","session":"5d8f","sent":4}',
]
const joined = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
const sound = joined(records)

export const nats: Target = {
  seeds: () =>
    [
      `0 s 0 10\u001f${sound}`,
      `0 s 0 2\u001f${joined(records.slice(0, 2))}\u001e1 t 0 2\u001f${joined(records.slice(1, 3))}\u001e0 s 1 3\u001f${joined(records.slice(2, 7))}`,
      `2 s 5 1\u001f${joined(records.slice(4, 5))}\u001e2 s 0 1\u001f${sound}\u001e2 s 9 1\u001f${sound}\u001e2 u 0 1\u001f${sound}`,
      `0 s 0 1\u001f{"ts":"1","src":"${'x'.repeat(251)}","event":"a"}\n\u001e0 s 9 1\u001f${sound}`,
      `3 - - -\u001f${sound}\u001e3 s - 1\u001f${sound}\u001e3 - 7 1\u001f\u001e3 s x 1\u001f{"ts":`,
    ].map((text) => Buffer.from(text, 'latin1')),
  words: [
    ...['\u001e', '\u001f', '\u001e0 s 0 1\u001f', '\u001e1 s 1 1\u001f', '\u001e2 t 7 1\u001f', '\u001e0 - - -\u001f'],
    ...['-1', '0x10', '1e3', 'Infinity', ' ', '9007199254740991', '\n\n', '\r\n'],
    ...[
      '"src":',
      '"vm":',
      '"start_src":',
      '"type":"mark",',
      '"type":"chain",',
      '"stages":[{"src":1}],',
      '"typ\\u0065":',
    ],
    ...[
      '"sr\\u0063":',
      'null',
      '\\ud800',
      '{"type":"mark","type":"x"}\n',
      '"type":"replay",',
      '"sent":',
      '"session":"s"',
    ],
    ...['x'.repeat(120), 'y'.repeat(251), ...records.map((line) => `${line}\n`)],
  ],
  longest: 4096,
  run(input) {
    if (++runs % RUNS === 0) taken = undefined
    turn++
    const messages = split(input, MESSAGE).map(messageIn)
    lying(messages)
    honest(messages, input)
  },
}

let runs = 0
/** Two in a run. */
let turn = 0
let taken: NatsIntake | undefined
let seq = 0
let said: string[] = []
let written: string[] = []

const bad = (where: string, message: string) => {
  said.push(`${where}: ${message}`)
}
const none = () => {}
const context: Context = {
  ...{ bad, warn: none, problem: none, onSignal: none, onStop: none, print: none, files: [], operands: [] },
}
const out = link((record) => {
  written.push(record.line)
}, none)

function split(text: Buffer, by: number): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at <= text.length; ) {
    const found = text.indexOf(by, at)
    const end = found < 0 ? text.length : found
    parts.push(text.subarray(at, end))
    at = end + 1
  }
  return parts
}

function messageIn(text: Buffer): Message {
  const cut = text.indexOf(PAYLOAD)
  const [place = '', session, sent] = text.toString('latin1', 0, Math.max(cut, 0)).split(' ', 3)
  const told = (header: string | undefined) => (header === '-' ? undefined : header)
  return {
    place: PLACES[Number(place) || 0] ?? 'node7.vm1',
    session: told(session),
    sent: told(sent),
    payload: text.subarray(cut + 1),
  }
}

interface Told {
  lines: string[]
  said: string[]
}

/** Subjects are new in each run, hosts are not. */
function give(intake: NatsIntake, { place, session, sent, payload }: Message): Told {
  const headers = new Map([
    [SESSION, session],
    [SENT, sent],
    [LINES, '1'],
  ])
  const message = {
    subject: `fleet${turn}.${place}.1of1`,
    seq: ++seq,
    data: payload,
    headers: { get: (name: string) => headers.get(name) ?? '' },
  }
  written = []
  said = []
  try {
    intake.message(message as unknown as Client.JsMsg)
  } catch (error) {
    checkRoom()
    assert.fail(
      `thrown, where names had room: ${String((error as Error).stack).replace(/no room for/g, 'NO ROOM FOR')}`,
    )
  }
  return { lines: written, said }
}

/** Whether it was the process's names that were used up. */
function checkRoom(): void {
  try {
    idOf(`probe ${turn}`)
  } catch {
    throw new UsedUp()
  }
}

/** What becomes of a line. */
interface Fate {
  counted: boolean
  /** Something is said of it. */
  bad: boolean
  /** The record that goes on; `anew`: it is written anew, and only its type and its names are looked at. */
  goes?: { record: Record<string, unknown>; anew: boolean; length: number }
}

const named = (host: string, claim: unknown) => (typeof claim === 'string' && claim !== '' ? `${host}/${claim}` : host)
const tooLong = (name: string) => Buffer.byteLength(name) > LONGEST_NAME

/** undefined: the reference does not know. */
function fateOf(line: Buffer, host: string): Fate | undefined {
  const read = readLine(line)
  if (!read || read.doubtful) return { counted: false, bad: true }
  if (read.doubtful === undefined) return undefined
  if (['mark', 'replay'].includes(read.type)) return { counted: true, bad: false }
  const record = JSON.parse(line.toString())
  const control = ['stream', 'clock', 'end'].includes(read.type)
  const listed = read.type === 'chain' && record.stages !== undefined
  if (!control && !listed && isTooLong(read, record, host)) return { counted: true, bad: true }
  const goes = { record: renamed(record, host), anew: control || listed, length: line.length }
  return { counted: !control, bad: false, goes }
}

function isTooLong({ src }: Line, record: Record<string, unknown>, host: string): boolean {
  return tooLong(named(host, src)) || (Object.hasOwn(record, 'vm') && tooLong(named(host, record.vm)))
}

function renamed(record: Record<string, unknown>, host: string): Record<string, unknown> {
  const claims = CLAIMS.filter((claim) => Object.hasOwn(record, claim) || claim === 'src')
  return { ...record, ...Object.fromEntries(claims.map((claim) => [claim, named(host, record[claim])])) }
}

/** What came of a message's lines, between which losses may be told. */
function checkLines({ lines, said }: Told, fates: (Fate | undefined)[], host: string): void {
  for (const line of lines) checkNames(line, host)
  if (fates.includes(undefined)) return
  const badly = fates.filter((fate) => fate?.bad).length
  if (badly !== said.length) checkRoom()
  assert.equal(said.length, badly, `said: ${said.join('; ')}`)
  const expected = fates.flatMap((fate) => fate?.goes ?? [])
  let next = 0
  for (const line of lines) {
    const record = JSON.parse(line)
    const wanted = expected[next]
    if (wanted && isSame(record, wanted)) next++
    else assert.equal(record.type, 'lost', `${line}, wanted ${JSON.stringify(wanted?.record)}`)
    if (wanted && !wanted.anew && record.type !== 'lost')
      assert.ok(line.length <= wanted.length + CLAIMS.length * (2 * host.length + 20), `grown: ${line}`)
  }
  assert.equal(next, expected.length, `did not come: ${JSON.stringify(expected[next]?.record)}`)
}

function isSame(record: Record<string, unknown>, wanted: NonNullable<Fate['goes']>): boolean {
  const picked = (of: Record<string, unknown>) => (wanted.anew ? CLAIMS.map((claim) => of[claim]) : of)
  try {
    assert.deepEqual(picked(record), picked(wanted.record))
    return record.type === wanted.record.type
  } catch {
    return false
  }
}

function checkNames(line: string, host: string): void {
  const read = readLine(Buffer.from(line))
  assert.ok(read, `no record: ${line}`)
  assert.ok(!['mark', 'replay'].includes(read.type), `speaks for a worker: ${line}`)
  const claims = read.members.filter(({ name }) => CLAIMS.includes(name))
  assert.equal(new Set(claims.map(({ name }) => name)).size, claims.length, `says a name twice: ${line}`)
  assert.ok(
    claims.some(({ name }) => name === 'src'),
    `no src: ${line}`,
  )
  const stages: unknown = read.type === 'chain' ? JSON.parse(line).stages : []
  const sources = (Array.isArray(stages) ? stages : []).flatMap((stage) => stage?.src ?? [])
  for (const name of [...claims.map(({ json }) => JSON.parse(json)), ...sources]) {
    assert.ok(name === host || String(name).startsWith(`${host}/`), `not behind ${host}: ${line}`)
  }
}

const blank = (line: Buffer) => /^[ \t\r]*$/.test(line.toString('latin1'))
const hostOf = ({ place }: Message) => place.split('.')[0] as string

/** A message of a session that has come further is one that came before; each other one is taken. */
function lying(messages: readonly Message[]): void {
  taken ??= natsIntake('nats', context, out)
  const publishers = new Map<string, { session: string; position: number }>()
  for (const message of messages) {
    const host = hostOf(message)
    const before = taken.counts()
    const told = give(taken, message)
    const counts = taken.counts()
    for (const [name, count] of Object.entries(counts)) assert.ok(count >= 0, `${name}: ${count}`)
    if (message.payload.length === 0) {
      assert.deepEqual([told, counts], [{ lines: [], said: [] }, before])
      continue
    }
    const publisher = publishers.get(message.place) ?? { session: '', position: 0 }
    publishers.set(message.place, publisher)
    const sent = /^\d{1,16}$/.test(message.sent ?? '') ? Number(message.sent) : Number.NaN
    const fates = split(message.payload, 10)
      .filter((line) => !blank(line))
      .map((line) => fateOf(line, host))
    if (message.session && Number.isSafeInteger(sent)) {
      if (message.session === publisher.session && sent < publisher.position) {
        assert.deepEqual(
          [told, counts],
          [
            { lines: [], said: [] },
            { ...before, repeated: before.repeated + 1 },
          ],
        )
        continue
      }
      Object.assign(publisher, { session: message.session, position: sent })
    }
    checkLines(told, fates, host)
    const records = counts.records - before.records
    publisher.position += records
    assert.equal(counts.repeated, before.repeated)
    if (!fates.includes(undefined)) assert.equal(records, fates.filter((fate) => fate?.counted).length, 'counted')
  }
}

/** What becomes of an honest publisher's message: it comes; not at all; twice; then an old one again. */
const DELIVERIES = ['once', 'once', 'once', 'twice', 'never', 'old'] as const

/** Each publisher's sound lines, which its own filters would have let through, with a true account. */
function honest(messages: readonly Message[], input: Buffer): void {
  taken ??= natsIntake('nats', context, out)
  turn++
  const before = taken.counts()
  const sessions = new Map<string, { sent: number; came: Message[]; position: number | undefined }>()
  const wanted = { records: 0, lost: 0, before: 0, unknown: 0, repeated: 0 }
  messages.forEach(({ place, payload }, i) => {
    const host = place.split('.')[0] as string
    const lines = split(payload, 10).filter((line) => !blank(line) && isHonest(line, host))
    if (lines.length === 0) return
    const session = sessions.get(place) ?? { sent: 0, came: [], position: undefined }
    sessions.set(place, session)
    const text = Buffer.concat(lines.flatMap((line) => [line, Buffer.of(10)]))
    const message = { place, session: 'honest', sent: String(session.sent), payload: text }
    const at = session.sent
    session.sent += lines.length
    const delivery = DELIVERIES[(input[i] ?? 0) % DELIVERIES.length]
    if (delivery === 'never') return
    const gap = at - (session.position ?? at)
    wanted.before += session.position === undefined ? at : 0
    wanted.lost += gap
    wanted.records += lines.length
    session.position = session.sent
    session.came.push(message)
    const told = give(taken as NatsIntake, message)
    const fates = lines.map((line) => fateOf(line, host))
    const own = gap > 0 ? told.lines.slice(1) : told.lines
    if (gap > 0) assert.equal(JSON.parse(told.lines[0] as string).count, gap, 'a loss is told where it is')
    assert.equal(own.length, fates.filter((fate) => fate?.goes).length, own.join('\n'))
    checkLines({ ...told, lines: own }, fates, host)
    if (delivery === 'once') return
    const again = delivery === 'old' ? session.came[(input.at(-1 - i) ?? 0) % session.came.length] : message
    wanted.repeated++
    assert.deepEqual(give(taken as NatsIntake, again as Message), { lines: [], said: [] }, 'once more')
  })
  const counts: Record<string, number> = { ...taken.counts() }
  for (const [name, count] of Object.entries(wanted))
    assert.equal(counts[name], before[name as keyof typeof wanted] + count, name)
}

function isHonest(line: Buffer, host: string): boolean {
  const fate = fateOf(line, host)
  return fate?.counted === true
}
