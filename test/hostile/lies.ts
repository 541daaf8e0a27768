/** Attacks by what a record says: names of others, clocks, losses, counts, times, commands to a terminal. */
import { type Attack, CUT, clock, end, event, honest, json, stream, times } from './pieces.js'

const escapes =
  '\u001b]0;owned\u0007\u001b[2J\u001b[31m\u009b5m\u0000\r\b\n\u202e\u2066\u200f\u061c\ufeff\u2028\u{e0041}'
const raw = Buffer.concat([Buffer.from('\u001b]0;owned\u0007\u001b[2J\u202e\r'), Buffer.from([0x9b, 0x33, 0x31, 0x6d])])
const page = '</script><script>alert(1)</script><img src=x onerror=alert(1)>'

const claims = { src: 'host', vm: 'vm2', start_src: 'host', end_src: 'host' }
const results = 'lost pair call irq_off vcpu_delay histogram check offset summary nothing-known'.split(' ')
const times2 = { start_ts: '1', end_ts: '2', delta_ns: 1e15 }
const span = { from: '0', to: '18446744073709551615', count: 9 }
const account = 'starts ends pairs replaced expired evicted lost acausal open orphans foreign'.split(' ')
const numbers = [0, -1, 3, 1e308, 2 ** 53 - 1, 2 ** 53, '5', null, {}, 0.5, '18446744073709551616']
const extremes = ['0', '-1', '-9223372036854775808', '9223372036854775807', '18446744073709551615', '1']
const instants = [...extremes, '99999999999999999999', '', '1e3', 'now']

const forged = [
  event(1, claims),
  '{"ts":"5","src":"vm1","event":"a","src":"host"}\n',
  '{"ts":"5","\\u0073rc":"host","event":"a","v\\u006d":"vm2"}\n',
  '{"src":{"src":"host"},"ts":"5","event":"a"}\n{"src":["host"],"ts":"5","event":"a"}\n',
  '{"src":null,"ts":"5","event":"a"}\n{"src":"ho\\u0073t","ts":"5","event":"a"}\n{"src":"host" ,"ts":"5", "event":"a"}\n',
  ...results.map((type) => json({ type, ...claims, ...span, start: 'a:start', end: 'a:end', key: 7, ...times2 })),
  json({ type: 'chain', path: 'p', ...claims, ...times2, stages: [{ stage: 's', src: 'host', ts: '1' }] }),
  json({ type: 'summary', tool: 'pair', path: 'p', ...Object.fromEntries(account.map((name) => [name, 1])) }),
]

const commands = [
  ...[0, 1].map((i) => event(i, { event: `${escapes}:${escapes}`, comm: escapes, vm: escapes, key: escapes })),
  event(2, { flags: escapes, text: escapes, stack: [escapes], args: { [escapes]: escapes, name: escapes } }),
  event(3, { comm: page, event: page, key: page }),
  ...[`{"ts":"5","event":"a","comm":"`, raw, `"}\n`, raw, '\n'],
  json({ type: 'pair', start: escapes, end: page, key: escapes, ...times2, delta_ns: 1, state: escapes }),
  json({ type: 'chain', path: escapes, ...times2, delta_ns: 1, stages: [{ stage: escapes, event: page, ts: '1' }] }),
  json({ type: page, [escapes]: 1 }),
]

export const lies: Record<string, Attack> = {
  'the names of the host and of others': { closes: true, pieces: () => honest(forged) },
  'control characters, bidi, markup': { closes: true, pieces: () => honest(commands) },
  'clocks and streams of the host': {
    *pieces() {
      const more = { src: 'host', clock: 'x86-tsc', unit: 'tsc', tsc_khz: 1, hostname: 'host', kernel: escapes }
      yield stream('s', more)
      for (const at of instants) {
        yield json({ type: 'clock', src: 'host', ts: at, wall: at, mono: at, error_ns: at })
        yield json({ type: 'stream', src: 'host', version: at, unit: at, clock: at, start: at, tsc_khz: at })
      }
      yield json({ type: 'clock', src: 'host', tsc: '1', ts: '9223372036854775807', wall: '0' })
      // the first end of nobody's session is none
      yield json({ type: 'end', src: 'host', events: -1 })
      yield `{"type":"clock","session":"s","sent":0,"x":[${'1e20,'.repeat(150_000)}1]}\n`
      yield event(0)
      yield end('s', 1)
    },
  },
  'losses that were none': {
    closes: true,
    pieces: () =>
      honest(
        numbers.flatMap((n) =>
          instants.map((from) => json({ type: 'lost', src: 'host', cpu: n, count: n, from, to: '-1' })),
        ),
      ),
  },
  'counts that are none': {
    *pieces() {
      yield stream('lies')
      for (const sent of numbers) yield* [event(0), clock('lies', sent), clock('x'.repeat(65), sent)]
      yield CUT
      for (const sent of numbers) yield clock('lies', sent)
      yield end('lies', 1)
    },
  },
  'time travel': {
    closes: true,
    pieces: () => honest(times(4 * instants.length, (i) => event(i, { ts: instants[i % instants.length] }))),
  },
  'keys, threads and CPUs of the host': {
    closes: true,
    pieces: (size) => honest(times(10_000 * size, (i) => event(i, { vm: 'vm2', key: i % 9, cpu: i % 65536 }))),
  },
}
