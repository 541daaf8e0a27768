/**
 * The ledger of a receiver: which lines of a session have come, which have not.
 *
 * `position` is how many lines of the session are accounted for. A line moves it by one; a record that tells
 * `sent` says where it must stand. What is between has been lost on the way:
 *
 *     stream sent 0, lines 1 2 3, (4 5 6 swallowed), line 7, clock sent 7: position 4, so 3 are lost, position 7
 *
 * A receiver that joins a running session learns from the first such record how many lines went before it: they
 * are `before`, not lost. So at each record that tells it, before + received + lost = sent.
 */
export interface Told {
  /** So many lines are missing since the last record that told. */
  missing: number
  /** The end of a former session is not known: it may have been lost, too. */
  unknown: boolean
  /** The sender says fewer than have come: its counts cannot be believed. */
  doubt: boolean
}

export interface Ledger {
  readonly session: string | undefined
  /** The session has come to its orderly end. */
  readonly ended: boolean
  readonly received: number
  readonly lost: number
  readonly before: number
  readonly sessions: number
  /** A line that is counted has come. */
  line(): void
  /** A record has come that tells the count. */
  mark(session: string, sent: number): Told
  /**
   * The channel has been taken up again: a record with this count came behind `lines` further ones, which have not
   * been put down yet. What is missing, is missing before them.
   */
  resume(session: string, sent: number, lines: number): Told
  end(): void
}

const nothing: Told = { missing: 0, unknown: false, doubt: false }

export function ledger(): Ledger {
  let session: string | undefined
  let position = 0
  let ended = false
  const totals = { received: 0, lost: 0, before: 0, sessions: 0 }

  function begin(id: string, at: number): void {
    session = id
    position = at
    ended = false
    totals.sessions++
  }

  /** The first count of all: what is missing went before. */
  function join(id: string, sent: number, lines: number, resumed: boolean): Told {
    const missing = sent - lines - totals.received
    // what has come was of a session that nothing is known of
    if (missing < 0) return { ...nothing, unknown: true }
    totals.before += missing
    begin(id, sent - lines)
    // after an interruption it cannot be told which of the two it was
    return { ...nothing, unknown: resumed && missing > 0 }
  }

  return {
    get session() {
      return session
    },
    get ended() {
      return ended
    },
    get received() {
      return totals.received
    },
    get lost() {
      return totals.lost
    },
    get before() {
      return totals.before
    },
    get sessions() {
      return totals.sessions
    },
    line() {
      totals.received++
      position++
    },
    mark(id, sent) {
      if (session === undefined) {
        const told = join(id, sent, 0, false)
        if (told.unknown) begin(id, sent)
        return told
      }
      if (id !== session) {
        const unknown = !ended
        begin(id, sent)
        return { ...nothing, unknown }
      }
      const missing = sent - position
      position = sent
      if (missing < 0) return { ...nothing, doubt: true }
      totals.lost += missing
      return { ...nothing, missing }
    },
    resume(id, sent, lines) {
      if (session === undefined) return join(id, sent, lines, true)
      if (id === session) {
        const missing = sent - position - lines
        if (missing <= 0) return nothing
        totals.lost += missing
        position += missing
        return { ...nothing, missing }
      }
      const missing = sent - lines
      // the lines before this record are the former session's
      if (missing < 0) return { ...nothing, unknown: true }
      const unknown = !ended
      begin(id, missing)
      totals.lost += missing
      return { ...nothing, missing, unknown }
    },
    end() {
      ended = true
    },
  }
}
