/**
 * A worker of a partition that takes over from one that died (pull --resume), as pairing sees it: marks tell how far
 * the output goes and from where on what is open would have to be read again; a replay reads that again.
 *
 *     {"type":"mark","seq":1204,"since":1187,"accounts":{"A => B":{"starts":…}},…}
 *     {"type":"replay","state":"begin","seq":1204,"whole":true,"accounts":{…}}
 *     … what came after 1187, and up to 1204 …
 *     {"type":"replay","state":"end",…}
 *
 * What is read again makes the open starts, and no pairs: they have been written.
 */
import { BadRecord } from '../cli/tool.js'
import { memberName, type RecordView } from '../wire/record.js'
import { accountIn, type ClosedAccount } from './account.js'
import type { NodePairing } from './by-node.js'

export interface Takeover {
  /** What comes is read again. */
  readonly replaying: boolean
  /** The mark that goes on; undefined where none does. */
  mark(record: RecordView): string | undefined
  replay(record: RecordView): void
}

const seq = memberName('seq')
const since = memberName('since')
const state = memberName('state')
const whole = memberName('whole')

/** `path` names the account; `backward`: the newest start is the one that counts, so the newest part of a replay will do. */
export function takeover(pairs: NodePairing, path: string, backward: boolean): Takeover {
  let replaying = false
  let account: ClosedAccount | undefined
  let trusted = true

  return {
    get replaying() {
      return replaying
    },
    mark(record) {
      const at = Number(record.member(seq))
      if (!Number.isSafeInteger(at)) return record.line
      const open = pairs.mark(at)
      if (replaying) return undefined
      const earlier = Number(record.member(since) ?? at)
      const { accounts, ...members } = record.members
      const all = { ...(accounts as object | undefined), [path]: pairs.account() }
      return JSON.stringify({ ...members, since: Math.min(open, earlier), accounts: all })
    },
    replay(record) {
      if (record.member(state) === 'begin') {
        replaying = true
        pairs.clear()
        trusted = backward || record.member(whole) === true
        const { accounts } = record.members as { accounts?: Record<string, unknown> }
        const own = accounts && Object.hasOwn(accounts, path) ? accounts[path] : undefined
        account = accountIn(own)
        if (own !== undefined && !account) throw new BadRecord(`its account of ${path} is none`)
        return
      }
      // what is still looked at is of the replay
      pairs.mark(Number(record.member(seq) ?? 0))
      replaying = false
      pairs.resume(account, trusted)
    },
  }
}
