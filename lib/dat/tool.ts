/** A trace.dat from a path to a tool's output. */
import { TYPE } from '../assembly/layout.js'
import type { Context } from '../cli/tool.js'
import { words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { RecordView } from '../wire/record.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { Broken } from './bytes.js'
import { openDat } from './dat.js'
import { datBytes } from './opening.js'
import { readDat } from './reading.js'

export interface DatCounts {
  events: number
  /** `lost` records, and the events they speak of. */
  lost: number
  lostEvents: number
}

export async function readTraceDat(
  path: string,
  source: Source,
  src: string,
  context: Context,
  out: Out,
): Promise<DatCounts> {
  const counts: DatCounts = { events: 0, lost: 0, lostEvents: 0 }
  const view = new RecordView()
  let stopped = false
  context.onStop(() => {
    stopped = true
  })
  const name = `${source.name}: trace.dat`
  const taker = {
    row(row: number) {
      view.row = row
      if (words[row + TYPE] === 0) counts.events++
      else counts.lost++
      out.pass(view)
    },
    write: (line: string) => {
      if (line.startsWith('{"type":"lost"')) counts.lost++
      out.write(line)
    },
    problem: (message: string) => context.problem(`${name}: ${message}`),
    bad: (message: string) => context.bad(name, message),
    stopped: () => stopped,
    ready: () => context.ready?.(),
  }
  try {
    const { bytes, close } = await datBytes(path, source)
    try {
      counts.lostEvents = await readDat(await openDat(bytes), src, taker)
    } finally {
      close()
    }
  } catch (error) {
    if (!(error instanceof Broken) && !(error as NodeJS.ErrnoException).code) throw error
    taker.problem(error instanceof Broken ? error.message : systemMessage(error))
  }
  return counts
}
