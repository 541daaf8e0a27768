/**
 * Partitions: the lines of a stream dealt out by a key, so that the two ends of a pair meet in one worker.
 *
 * An event goes where the hash of its node and its key says, for key 24 of a thousand hosts is a thousand keys; one
 * without the key where its thread's or its CPU's does, as pair takes them. What is no event and tells of all of them
 * (a loss) goes to every partition; anything else to the first.
 *
 *     fnv1a('node7 24') = 0x56b897b4, mod 4 = 0: the first of four
 */
import { LINE, LINE_END, REASON, ROW_WORDS, TYPE } from '../assembly/layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { RecordView } from '../wire/record.js'
import { TransportError } from './failure.js'
import type { NatsTarget } from './nats-address.js'
import type { Stream } from './nats-stream.js'
import type { Chunk } from './outlet.js'

/** The key of an event; undefined where it has none. */
export type PartitionKey = (record: RecordView) => number | string | undefined

const ROWS = 1024
/** What the scanner reads beyond the end. */
const SLACK = 64

/** FNV-1a, 32 bits (draft-eastlake-fnv), over the UTF-16 units. */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

function partitionOf(key: string, partitions: number): number {
  return hash(key) % partitions
}

export function dealer(partitions: number, keyOf: PartitionKey, node: string): (chunk: Chunk) => Chunk[] {
  const view = new RecordView()
  const rows = allocate(ROWS * ROW_WORDS * 4)
  let room = 0
  let size = 0

  function placeOf(row: number): number | 'all' {
    view.row = row
    if (words[row + REASON] !== 0) return 0
    if (words[row + TYPE] !== 0) return view.type === 'lost' ? 'all' : 0
    const key = keyOf(view) ?? `${view.src} ${view.pid ?? `cpu ${view.cpu}`}`
    return partitionOf(`${node} ${key}`, partitions)
  }

  function put({ bytes: text }: Chunk): void {
    if (text.length + SLACK > size) {
      size = 2 * text.length + SLACK
      room = allocate(size)
    }
    text.copy(bytes, room)
  }

  return (chunk) => {
    put(chunk)
    const end = room + chunk.bytes.length
    const dealt = Array.from({ length: partitions }, () => ({ pieces: [] as Buffer[], lines: 0 }))
    for (let at = room; at < end; ) {
      const count = scanner.scan(at, end, rows, ROWS)
      at = scanner.scannedTo()
      for (let i = 0; i < count; i++) {
        const row = (rows >> 2) + i * ROW_WORDS
        const place = placeOf(row)
        // with its newline; a copy, for the memory is used again
        const line = Buffer.from(bytes.subarray(words[row + LINE] as number, (words[row + LINE_END] as number) + 1))
        for (const one of place === 'all' ? dealt : [dealt[place]]) {
          one?.pieces.push(line)
          if (one) one.lines++
        }
      }
      if (count === 0) break
    }
    return dealt.map(({ pieces, lines }) => ({ bytes: Buffer.concat(pieces), lines }))
  }
}

/** Throws where others deal out to another number: one key would then be in two partitions. */
export async function samePartitions(stream: Stream, target: NatsTarget, partitions: number): Promise<void> {
  const { manager } = stream
  const { state } = await manager.streams.info(target.stream, { subjects_filter: '>' })
  for (const subject of Object.keys(state.subjects ?? {})) {
    const [, of] = /\.\d+of(\d+)$/.exec(subject) ?? []
    if (of !== undefined && Number(of) !== partitions)
      throw new TransportError(`${target.name}: ${subject} is one of ${of} partitions, not of ${partitions}`)
  }
}
