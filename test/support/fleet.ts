/**
 * A fleet made of one recording: nodes with clocks of their own, and each with the recording again and again.
 *
 * Each round is later than the one before, and each node's clock is another one: by an hour, to the ns.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface Fleet {
  nodes: string[]
  /** What a node's push is given. */
  lines(node: string): string[]
  /** The same as pull calls it, of all nodes: `node1/host`. */
  all(): string
}

const HOUR_NS = 3_600_000_000_007n

export function fleet(recording: string, count: number, rounds: number): Fleet {
  const text = gunzipSync(readFileSync(recording)).toString('utf8')
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === undefined)
  const times = events.map(({ ts }) => BigInt(ts))
  const span = (times.at(-1) as bigint) - (times[0] as bigint) + 1_000_000n
  const nodes = Array.from({ length: count }, (_, i) => `node${i + 1}`)

  function* eventsOf(node: string): Generator<Record<string, unknown>> {
    const shift = HOUR_NS * BigInt(nodes.indexOf(node))
    for (let round = 0n; round < rounds; round++)
      for (const [i, event] of events.entries())
        yield { ...event, ts: String((times[i] as bigint) + round * span + shift) }
  }

  return {
    nodes,
    lines: (node) => Array.from(eventsOf(node), (event) => `${JSON.stringify(event)}\n`),
    all: () =>
      nodes
        .flatMap((node) =>
          Array.from(eventsOf(node), (event) => {
            const { src, vm } = event
            const names = vm === undefined ? { src: `${node}/${src}` } : { src: `${node}/${src}`, vm: `${node}/${vm}` }
            return `${JSON.stringify({ ...event, ...names })}\n`
          }),
        )
        .join(''),
  }
}
