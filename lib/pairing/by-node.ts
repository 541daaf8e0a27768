/**
 * Pairing in a fleet: the machines of one node (a host and its guests) among themselves.
 *
 * `node7/vm1` is a machine of node7 (vmpipe-wire(5)). Each node has tables, clocks, losses and limits of its own: a key
 * of node7 is another one on node8, a loss on node7 makes no start of node8 unsafe, a clock that is behind there is
 * behind there only, and a node that floods fills its own share. A src without a node is of the node '', which is
 * all there is away from a fleet.
 *
 * A worker that takes over (`resume`) goes on with the account of the one before it. What that one had open, and this
 * one does not find again, is `lost`.
 */
import { SRC } from '../assembly/layout.js'
import type { Loss } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'
import { addAccount, type ClosedAccount, noAccount } from './account.js'
import type { Hop } from './hops.js'
import { type Pairing, type PairingOptions, pairing, type Sink } from './pairing.js'

export interface NodePairing extends Omit<Pairing, 'resume'> {
  /** Nothing was read. */
  clear(): void
  /** The replay is over. `before`: the account at the mark; `trusted`: what is open now may be gone on with. */
  resume(before: ClosedAccount | undefined, trusted: boolean): void
}

type Options = Omit<PairingOptions, 'listen'>

/** Events that a node holds back at first, to see whether its clocks agree: there are many nodes. */
const LISTEN_NODE = 256

export function pairingByNode(hops: readonly Hop[], options: Options, sink: Sink): NodePairing {
  let nodes = new Map<string, Pairing>()
  let bySrc: Pairing[] = []
  let base = noAccount()
  let marked = 0
  /** The longest loss that may be of any machine, and so of nodes that have not come yet. */
  let everyones: Loss | null = null
  /** The longest loss of each node that has not come yet: most such names are of machines away from a fleet. */
  const early = new Map<string, Loss>()

  function node(name: string): Pairing {
    const known = nodes.get(name)
    if (known) return known
    const made = pairing(hops, name === '' ? options : { ...options, listen: LISTEN_NODE }, sink)
    made.mark(marked)
    const missed = early.get(name)
    if (missed) made.loss(missed)
    if (everyones) made.loss(everyones)
    nodes.set(name, made)
    return made
  }

  function nodeOf(src: number): Pairing {
    const known = bySrc[src]
    if (known) return known
    const name = nameOf(src)
    const made = node(name.slice(0, Math.max(0, name.indexOf('/'))))
    bySrc[src] = made
    return made
  }

  function clear(): void {
    nodes = new Map()
    bySrc = []
    early.clear()
    base = noAccount()
  }

  const all = () => [...nodes.values()]

  function account(): ClosedAccount {
    const sum = { ...base }
    for (const one of all()) addAccount(sum, one.account())
    return sum
  }

  return {
    account,
    clear,
    event(record) {
      nodeOf(words[record.row + SRC] as number).event(record)
    },
    loss(loss) {
      const name = nameOf(loss.src)
      if (name.includes('/')) return nodeOf(loss.src).loss(loss)
      if (name !== '') {
        // of a machine, or of all machines of the node of that name
        const own = node('').loss(loss)
        const ofAll = { ...loss, src: 0 }
        const known = nodes.get(name)
        if (known) return known.loss(ofAll) && own
        if (loss.to !== undefined && (early.get(name)?.to ?? loss.to) <= loss.to) early.set(name, ofAll)
        return own
      }
      if (loss.to !== undefined && (everyones?.to ?? loss.to) <= loss.to) everyones = loss
      return all().reduce((soon, one) => one.loss(loss) && soon, true)
    },
    mark(seq) {
      marked = seq
      return all().reduce((from, one) => Math.min(from, one.mark(seq)), seq)
    },
    resume(before, trusted) {
      if (!trusted) clear()
      const open = account().open
      for (const one of all()) one.resume()
      base = before ? { ...before } : { ...noAccount(), starts: open, open }
      const missing = base.open - open
      if (missing > 0) base.lost += missing
      else base.starts -= missing
      base.open = 0
    },
    flush() {
      for (const one of all()) one.flush()
    },
  }
}
