/** Attacks by number: of each thing that a receiver might remember, ever new ones. */
import { type Attack, event, honest, json, stream, times } from './pieces.js'

const MANY = 100_000

function many(line: (i: number) => string): Attack {
  return { closes: true, pieces: (size) => honest(times(MANY * size, line)) }
}

function result(i: number): string {
  const loss = { count: 1, from: String(i), to: String(2 * i) }
  const pair = { start: `a${i}`, end: `b${i}`, key: i, start_ts: '1', end_ts: String(i), delta_ns: i }
  return json({ type: i % 2 ? 'pair' : 'lost', ...loss, ...pair })
}

function switched(i: number): string {
  const args = { prev_comm: `c${i}`, prev_pid: i, prev_state: 0, next_pid: i + 1, next_comm: 'd' }
  return event(i, { event: 'sched:sched_switch', cpu: i % 65536, pid: i, args })
}

export const masses: Record<string, Attack> = {
  'ever new sources': many((i) => event(i, { src: `s${i}`, vm: `v${i}` })),
  'ever new sessions': {
    pieces: (size) => times(MANY * size, (i) => stream(`s${i}`, { src: `s${i}`, unit: `u${i}` })),
  },
  'ever new keys': many((i) => event(2 * i, { key: `k${i}${'x'.repeat(i % 900)}`, pid: i })),
  'ever new names': many((i) => event(i, { event: `e${i}:n${i}`, comm: `c${i}`, args: { [`f${i}`]: i } })),
  'ever new types': many((i) => json({ type: `t${i}`, ts: '5', path: `p${i}` })),
  'ever new threads': many(switched),
  'ever new results': many(result),
}
