/** The `stream` record: who saw what follows, and in which unit its times are. */
import { nameOf } from '../wire/names.js'

declare const VERSION: string

/** The `stream` record that stands before the first event of each src and unit. */
export function streamHeads(write: (line: string) => void): (src: number, cycles: boolean) => void {
  const seen = new Set<number>()
  let last = -1
  return (src, cycles) => {
    const stream = src * 2 + (cycles ? 1 : 0)
    if (stream === last) return
    last = stream
    if (seen.has(stream)) return
    seen.add(stream)
    write(
      JSON.stringify({
        type: 'stream',
        version: 1,
        src: nameOf(src),
        unit: cycles ? 'tsc' : 'ns',
        tool: `parse ${VERSION}`,
      }),
    )
  }
}
