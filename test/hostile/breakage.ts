/** Attacks by lines that are none, and by how the channel breaks. */
import { type Attack, CUT, clock, event, honest, type Piece, stream } from './pieces.js'

const broken =
  '{|}|[]|1|null|"x"|{"ts":}|{"ts":"1","event":"a"|Infinity|{"a":01}|{\'a\':1}|{"event":"\\ud800"}|\ufeff{}|{}{}|{"type":5}|{"ts":[],"event":{}}|{"cpu":-1,"event":"a"}|{"cpu":4294967296,"event":"a"}|{"pid":1e99,"event":"a"}'
const MIB = 1 << 20

function* repeated(piece: string, n: number): Iterable<string> {
  for (let i = 0; i < n; i++) yield piece
}

function* long(size: number): Iterable<Piece> {
  yield* [event(0), '{"ts":"5","event":"a","args":{"x":"']
  yield* repeated('y'.repeat(MIB), 100 * size)
  yield* ['"}}\n', event(1)]
}

const deep = (n: number) => `{"ts":"5","event":"a","args":${'{"a":'.repeat(n)}1${'}'.repeat(n)}}\n`
const magic = [[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], [0x28, 0xb5, 0x2f, 0xfd], [...Buffer.from('\x17\x08\x44tracing6')]]
const text = '            bash-7       [000] d.... 1.000001: a_start: x=1 \u001b[2J\n'
const old = [stream('old'), event(0), event(1), clock('old', 2), event(2), event(3), clock('old', 4)]

export const breakage: Record<string, Attack> = {
  'lines that are none': {
    closes: true,
    pieces: () =>
      honest([
        event(0),
        broken.replaceAll('|', '\n'),
        '\n',
        Buffer.from([0xff, 0xc0, 0xaf, 10]),
        '\r\n\n \t\n',
        event(1),
      ]),
  },
  'a line of 100 MB': { closes: true, pieces: (size) => honest(long(Math.max(1, size))) },
  'a line without end': {
    *pieces() {
      yield event(0)
      yield* repeated('['.repeat(MIB), 30)
    },
  },
  nesting: { closes: true, pieces: () => honest([127, 128, 129, 5000, 100_000].map(deep)) },
  'NUL bytes': {
    closes: true,
    pieces: () =>
      honest([event(0), Buffer.alloc(100_000), '\n', '{"ts":"5","event":"a\0b"}\n\0{"ts":"5"}\n', event(1)]),
  },
  'gzip, and other magic': {
    *pieces() {
      for (let i = 0; i < 10; i++) for (const bytes of magic) yield* [Buffer.from([...bytes, i]), '\n']
    },
  },
  'one byte at a time': {
    closes: true,
    *pieces() {
      for (const piece of honest([event(0), event(1)]))
        for (const byte of Buffer.from(piece as string)) yield* [Buffer.from([byte]), 1]
    },
  },
  'half a line at each connection': {
    *pieces() {
      for (let i = 0; i < 8; i++) {
        const line = event(i)
        const cut = (i * 17) % line.length
        yield* [stream(`half${i % 2}`), line.slice(0, cut), CUT, line.slice(cut), clock(`half${i % 2}`, 1), CUT]
      }
      yield* honest([event(99)])
    },
  },
  'connections that bring nothing': {
    *pieces() {
      for (let i = 0; i < 12; i++) yield* i % 3 ? ['\n', CUT] : [CUT]
      yield* honest([event(1)])
    },
  },
  'an old session again': {
    *pieces() {
      yield* [...old, CUT, ...old, CUT, ...old.slice(3), CUT, ...old]
      yield* honest([event(9)])
    },
  },
  'text and records by turns': {
    *pieces() {
      for (let i = 0; i < 4; i++) {
        yield* [
          text,
          text,
          '# vmpipe stream session=t src=host sent=0\n',
          text,
          `# vmpipe end session=t sent=${'9'.repeat(20)}\n`,
        ]
        yield* [CUT, event(i), event(i), stream(`r${i}`), CUT]
      }
      yield* [text, '# vmpipe lost count=-5 src=host\n', '# vmpipe lost\n', '# vmpipe clock session=t sent=1e9\n', text]
    },
  },
}
