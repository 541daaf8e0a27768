/** Events in the order of time: the pairs that brute force finds, and an account that closes. */
import assert from 'node:assert/strict'
import pair from '../../../tools/pair.js'
import { accountCloses, bruteForce, type PairEvent, policies } from '../../reference/pairs.js'
import { runFilter } from '../../support/filter.js'
import type { Target } from '../target.js'

const BASE = 2n ** 60n
const KEYS = ['0', '1', '"k"', '"\\u006b"', '18446744073709551615', '"1"', '-1']
const MEANT = ['0', '1', 'k', 'k', '18446744073709551615', '1', '-1']

/** Without a key: the thread, or the CPU; each CPU has an idle task of its own, and all have the pid 0. */
function whoOf(cpu: number, pid: number | undefined): string {
  return pid === undefined ? `cpu ${cpu}` : pid === 0 ? `idle ${cpu}` : `pid ${pid}`
}

/** The first byte is the policy; then three bytes an event: the time since the one before, what it is, its key and vm. */
export const pairs: Target = {
  seeds: () => [
    Buffer.of(0, 10, 0, 0, 10, 0, 0, 5, 1, 0),
    Buffer.of(2, 1, 0, 1, 1, 0, 9, 1, 0, 17, 0, 1, 1, 3, 1, 9, 0, 1, 1),
    // an idle task starts, another one ends
    Buffer.of(0, 16, 0, 71, 14, 21, 127),
    Buffer.of(3, ...Array.from({ length: 60 }, (_, i) => (i * 7) % 23)),
  ],
  words: [],
  longest: 400,
  async run(input) {
    const policy = policies[(input[0] ?? 0) % policies.length] as (typeof policies)[number]
    const events: PairEvent[] = []
    const lines: string[] = []
    let time = BASE
    for (let at = 1; at + 2 < input.length; at += 3) {
      const [later = 0, what = 0, whose = 0] = input.subarray(at, at + 3)
      time += BigInt(later)
      const key = whose % 8
      const vm = [undefined, undefined, 'vm1', 'vm2'][(whose >> 3) % 4]
      const [cpu, pid] = [(whose >> 5) % 2, (whose >> 6) % 2 ? whose >> 7 : undefined]
      const name = ['x:A', 'x:B', 'A', 'other'][what % 4] as string
      const text = key === 7 ? '' : `,"key":${KEYS[key]}`
      lines.push(
        `{"ts":"${time}","src":"host","event":"${name}","cpu":${cpu}${pid === undefined ? '' : `,"pid":${pid}`}${vm ? `,"vm":"${vm}"` : ''}${text}}`,
      )
      events.push({
        time,
        what: name.slice(-1),
        vm,
        key: key === 7 ? whoOf(cpu, pid) : (MEANT[key] as string),
      })
    }
    const { lines: out, counts } = await runFilter(pair, ['A', 'B', '--policy', policy], lines)
    const found = out.map((line) => JSON.parse(line)).filter(({ type }) => type === 'pair')
    assert.deepEqual(
      // those whose key is of one machine need not wait while clocks are listened to
      found.map(({ start_ts, end_ts }) => `${end_ts} ${start_ts}`).sort(),
      bruteForce(events, policy)
        .map(([start, end]) => `${end.time} ${start.time}`)
        .sort(),
    )
    accountCloses(counts)
  },
}
