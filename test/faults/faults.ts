/**
 * Faults: what a broken channel, a full disk or a malicious guest makes of a stream. Each makes a faulty copy of
 * sound bytes; the same random numbers make the same copy.
 */
import type { Random } from './random.js'

export type Fault = (sound: Buffer, random: Random) => Buffer

const linesOf = (sound: Buffer) => sound.toString('latin1').split('\n')
const joined = (lines: readonly string[]) => Buffer.from(lines.join('\n'), 'latin1')

/** Some lines with a new value for what the pattern finds. */
function valued(pattern: RegExp, values: readonly string[]): Fault {
  return (sound, random) =>
    joined(
      linesOf(sound).map((line) =>
        random.below(3) > 0
          ? line
          : line.replace(pattern, (_all, before: string, after: string) => before + random.of(values) + after),
      ),
    )
}

/** Lines put in at random places. */
function strewn(lines: readonly string[], most: number): Fault {
  return (sound, random) => {
    const all = linesOf(sound)
    for (let n = 1 + random.below(most); n > 0; n--) all.splice(random.below(all.length), 0, random.of(lines))
    return joined(all)
  }
}

const hugeTimes = ['0', '1', '-1', '9007199254740993', '9223372036854775807', '9223372036854775808']
const times = [...hugeTimes, '18446744073709551615', '18446744073709551616', '-9223372036854775808', '1e3', '1.5', '']
const lies = ['0', '-1', '1e999', '18446744073709551615', '"many"', 'null'].flatMap((count) =>
  [
    `"from":"5","to":"1"`,
    `"from":"0","to":"18446744073709551615"`,
    `"from":"-9223372036854775808","to":"9223372036854775807"`,
    `"from":{},"to":[]`,
    `"cpu":65535`,
    `"cpu":-1`,
  ].map((span) => `{"type":"lost","src":"guest","count":${count},${span}}`),
)
const control = '\\u001b]0;owned\\u0007\\u001b[2J\\u0000\\r\\u009b31m\\u202e'

export const faults: Record<string, Fault> = {
  'random bytes': (sound, random) => Buffer.from(sound.map(() => random.below(256))),
  'a random stretch': (sound, random) => {
    const bytes = Buffer.from(sound)
    const from = random.below(bytes.length)
    for (let at = from; at < Math.min(bytes.length, from + 1 + random.below(200)); at++) bytes[at] = random.below(256)
    return bytes
  },
  'bit flips': (sound, random) => {
    const bytes = Buffer.from(sound)
    for (let n = 1 + random.below(20); n > 0; n--) {
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    }
    return bytes
  },
  truncation: (sound, random) => sound.subarray(0, random.below(sound.length)),
  'a missing head': (sound, random) => sound.subarray(random.below(sound.length)),
  'duplicated lines': (sound, random) =>
    joined(linesOf(sound).flatMap((line) => Array.from({ length: 1 + random.below(3) }, () => line))),
  'reordered lines': (sound, random) => {
    const lines = linesOf(sound)
    for (let i = lines.length - 1; i > 0; i--) {
      const at = random.below(i + 1)
      const line = lines[i] as string
      lines[i] = lines[at] as string
      lines[at] = line
    }
    return joined(lines)
  },
  'half lines run together': (sound, random) =>
    joined(linesOf(sound).map((line) => (random.below(4) ? line : line.slice(0, random.below(line.length + 1))))),
  'a huge line': (sound, random) =>
    strewn([`{"ts":"5","event":"a:b","args":{"x":"${'y'.repeat((1 << 20) - 40 + random.below(80))}"}}`], 3)(
      sound,
      random,
    ),
  'deep nesting': strewn(
    [127, 128, 129, 5000].flatMap((n) => [
      '['.repeat(n),
      `{"ts":"5","event":"a","args":${'['.repeat(n)}${']'.repeat(n)}}`,
    ]),
    4,
  ),
  'times that jump, wrap and run backwards': valued(/("(?:ts|tsc)":")\d+(")/, times),
  'times of text that jump': valued(/( )\d+\.\d+(:)/, [
    '0.0',
    '99999999999999999999.1',
    '1.',
    '18446744073.709551',
    '5',
  ]),
  'CPUs at their extremes': valued(/("cpu":)\d+(.)/, ['65535', '65536', '4294967295', '-1', '1e2', '"0"', 'null']),
  'CPUs of text at their extremes': valued(/(\[)\d+(\])/, ['65535', '65536', '4294967296', '-1', '']),
  'pids at their extremes': valued(/("(?:pid|prev_pid|next_pid)":)\d+(.)/, [
    '2147483647',
    '2147483646',
    '-1',
    '{}',
    '0',
  ]),
  'fields at their extremes': valued(/(":)\d+([,}])/, [
    '1e308',
    '-0',
    '18446744073709551616',
    '"\\ud800"',
    '[]',
    '9007199254740993',
  ]),
  'lost records with lies': strewn(lies, 8),
  'names with control characters': valued(/("(?:comm|event|src|vm|key|name|prev_comm)":")[^"]*(")/, [
    control,
    '',
    '__proto__',
  ]),
  'names without end': valued(/("(?:comm|event|src|vm|key)":")[^"]*(")/, [
    'n'.repeat(255),
    'n'.repeat(257),
    'constructor',
  ]),
  'no members': valued(/()"[a-z_]+":(?:"[^"]*"|\d+),()/, ['']),
}
