/** What attacks are made of: lines as an honest guest writes them, and where the channel breaks off. */

/** Here the channel breaks off, and the next connection begins. */
export const CUT = Symbol('cut')
/** Bytes, a pause in ms, or CUT. */
export type Piece = Buffer | string | number | typeof CUT

export interface Attack {
  /** `size` 1: 100,000 lines where it is about many. */
  pieces(size: number): Iterable<Piece>
  /**
   * It is one session, whose end record tells honestly how many lines there were: whatever they were, the receiver's
   * account must close.
   */
  closes?: boolean
}

export const json = (record: object) => `${JSON.stringify(record)}\n`

export const stream = (session: string, more = {}) =>
  json({ type: 'stream', version: 1, unit: 'ns', session, sent: 0, ...more })

export const clock = (session: string, sent: unknown, more = {}) => json({ type: 'clock', session, sent, ...more })

export const end = (session: string, sent: number) => json({ type: 'end', session, sent })

/** As the host's own: the same names, thread, CPU, key, and times beside its own. */
export function event(i: number, more = {}): string {
  const name = i % 2 ? 'a:end' : 'a:start'
  return json({ ts: String(1_000_000 + 1000 * i), event: name, cpu: 0, pid: 7, key: 7, comm: 'qemu', ...more })
}

/** One session around these lines. */
export function* honest(body: Iterable<Piece>): Iterable<Piece> {
  let lines = 0
  let blank = true
  yield stream('honest')
  for (const piece of body) {
    yield piece
    if (typeof piece === 'number' || typeof piece === 'symbol') continue
    for (const byte of Buffer.from(piece as Buffer)) {
      if (byte === 10 && !blank) lines++
      blank = byte === 10 || (blank && (byte === 32 || byte === 9 || byte === 13))
    }
  }
  yield end('honest', lines)
}

/** So many of a piece, in blocks. */
export function* times(n: number, piece: (i: number) => string): Iterable<string> {
  let text = ''
  for (let i = 0; i < n; i++) {
    text += piece(i)
    if (text.length < 60_000) continue
    yield text
    text = ''
  }
  yield text
}
