/**
 * What a line of the wire format says, by JSON.parse and BigInt: the reference for the scanner. Nothing of lib/wire
 * is used. Members keep their JSON text, so that no digit is lost.
 */
import { isUtf8 } from 'node:buffer'

export interface Line {
  /** Top-level members as they come; a name may come twice. */
  members: { name: string; json: string }[]
  /** Something that a column needs is not what it should be; undefined: a member comes twice, and the first may be wrong. */
  doubtful: boolean | undefined
  time: bigint | undefined
  unit: 'ts' | 'tsc' | undefined
  event: string
  src: string
  vm: string
  type: string
  cpu: number | undefined
  pid: number | undefined
  key: bigint | string | undefined
  comm: string | undefined
  flags: string | undefined
  text: string | undefined
}

const DEEPEST = 128
const LONGEST_NAME = 256

/** The line without its newline; null where it is no object. */
export function readLine(line: Buffer): Line | null {
  if (!isUtf8(line)) return null
  const text = line.toString()
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  } catch {
    return null
  }
  if (depthOf(text) > DEEPEST) return null
  const members = membersOf(text)
  const last = (name: string) => members.findLast((member) => member.name === name)?.json
  const twice = new Set(members.map(({ name }) => name)).size < members.length
  const names = ['event', 'src', 'vm', 'type'].map((name) => nameIn(last(name)))
  const numbers = [smallIn(last('cpu'), 65536n), smallIn(last('pid'), 2n ** 31n - 1n)]
  const times = { ts: integerIn(last('ts')), tsc: integerIn(last('tsc')) }
  const unit = last('ts') !== undefined ? 'ts' : last('tsc') !== undefined ? 'tsc' : undefined
  const wrong = [
    ...names.map((name) => name === undefined),
    numbers[0] === undefined && last('cpu') !== undefined,
    numbers[1] === undefined && last('pid') !== undefined,
    unit !== undefined && times[unit] === undefined,
    // a tsc behind a ts is not looked at; one before it was
    unit === 'ts' && last('tsc') !== undefined && times.tsc === undefined && undefined,
    ...['delta_ns', 'delta_tsc'].map((name) => last(name) !== undefined && !isInteger(last(name) as string)),
    ...['start', 'end'].map((name) => /^"/.test(last(name) ?? '') && nameIn(last(name)) === undefined),
  ]
  return {
    members,
    doubtful: wrong.includes(true)
      ? twice
        ? undefined
        : true
      : wrong.includes(undefined) || twice
        ? undefined
        : false,
    time: unit && times[unit],
    unit,
    ...{ event: names[0] ?? '', src: names[1] ?? '', vm: names[2] ?? '', type: names[3] ?? '' },
    ...{ cpu: numbers[0], pid: numbers[1], key: keyIn(last('key')) },
    ...{ comm: textIn(last('comm')), flags: textIn(last('flags')), text: textIn(last('text')) },
  }
}

/** Tokens of sound JSON. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/gs

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth)
    else if (token === '}' || token === ']') depth--
  }
  return deepest
}

function membersOf(text: string): Line['members'] {
  const members: Line['members'] = []
  let depth = 0
  let name: string | undefined
  let from = -1
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const closes = token === '}' || token === ']'
    if (depth === 1 && name !== undefined && from >= 0 && (token === ',' || token === '}')) {
      members.push({ name, json: text.slice(from, index).trim() })
      name = undefined
      from = -1
    } else if (depth === 1 && name === undefined && token.startsWith('"')) name = JSON.parse(token)
    else if (depth === 1 && name !== undefined && token !== ':' && from < 0) from = index
    if (token === '{' || token === '[') depth++
    else if (closes) depth--
  }
  return members
}

function isInteger(json: string): boolean {
  if (!/^-?(?:0|[1-9]\d{0,19})$/.test(json)) return false
  const value = BigInt(json)
  return value >= -(2n ** 63n) && value < 2n ** 64n
}

/** An integer as a number or a string of its digits, as 64 bits. A string with escapes is none. */
function integerIn(json: string | undefined): bigint | undefined {
  const digits = json?.replace(/^"(.*)"$/s, '$1')
  return digits !== undefined && isInteger(digits) ? BigInt.asIntN(64, BigInt(digits)) : undefined
}

function smallIn(json: string | undefined, limit: bigint): number | undefined {
  if (json === undefined || !isInteger(json)) return undefined
  const value = BigInt(json)
  return value >= 0n && value < limit ? Number(value) : undefined
}

function nameIn(json: string | undefined): string | undefined {
  if (json === undefined || json === 'null') return ''
  const name = textIn(json)
  return name !== undefined && Buffer.byteLength(name) <= LONGEST_NAME ? name : undefined
}

function keyIn(json: string | undefined): bigint | string | undefined {
  if (json === undefined || json === 'null') return undefined
  const digits = json.replace(/^"(.*)"$/s, '$1')
  return isInteger(digits) ? BigInt(digits) : json
}

function textIn(json: string | undefined): string | undefined {
  return json?.startsWith('"') ? JSON.parse(json) : undefined
}
