/**
 * `lost` records of function_graph text. Where its lines have times, a loss waits for the next event of its CPU, to
 * tell between which two it lies; where they have none it stands where it was printed.
 */
import type { Lost } from './graph-line.js'

export function graphLosses(src: string, write: (record: Record<string, unknown>) => void) {
  const last = new Map<number, string>()
  let newest: string | undefined
  let waiting: { cpu: number | undefined; count: string; from: string | undefined }[] = []
  let records = 0
  let events = 0n

  function say({ cpu, count, from }: (typeof waiting)[number], to: string | undefined): void {
    records++
    events += BigInt(count)
    const exact = count === '' ? undefined : Number.isSafeInteger(Number(count)) ? Number(count) : count
    write({ type: 'lost', src, cpu, count: exact, from, to })
  }

  return {
    get records() {
      return records
    },
    get events() {
      return events
    },
    hold({ cpu, count }: Partial<Lost> & { kind: 'lost'; count: string }) {
      const from = cpu === undefined ? newest : last.get(cpu)
      if (newest === undefined) say({ cpu, count, from }, undefined)
      else waiting.push({ cpu, count, from })
    },
    /** An event with a time. */
    pass(cpu: number, time: string) {
      if (waiting.length > 0) {
        const here = waiting.filter((loss) => loss.cpu === undefined || loss.cpu === cpu)
        waiting = waiting.filter((loss) => !here.includes(loss))
        for (const loss of here) say(loss, time)
      }
      last.set(cpu, time)
      newest = time
    },
    finish() {
      for (const loss of waiting) say(loss, undefined)
      waiting = []
    },
  }
}
