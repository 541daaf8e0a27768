/**
 * A process of the fault bench: `worker.mjs TOOL SEED FROM TO`. Meets the cases FROM to TO of one tool, each the same
 * for the same seed, and prints a JSON object a line: a case before it is tried, so that who reads knows in which
 * it hung or died; what was broken; and at the end where it stopped, for memory of the WebAssembly module that a
 * stage takes is not given back before the process ends.
 */
import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import allTools from 'all-tools'
import { inUse } from '../../lib/wire/memory.js'
import { faults } from './faults.js'
import { filters, type Met, soundInputs } from './filters.js'
import { random } from './random.js'
import { type Ran, runOn } from './running.js'

const [name = '', seed = '', from = '', to = ''] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'vmpipe-faults-'))
const path = join(folder, 'input')
const tell = (told: object) => writeSync(1, `${JSON.stringify(told)}\n`)
const USED_UP = 100 << 20

try {
  const { default: tool } = await (allTools[name] as NonNullable<(typeof allTools)[string]>)()
  const inputs = soundInputs(name)
  const met = filters[name] as readonly Met[]
  const kinds = Object.keys(faults)
  let at = Number(from)
  let bytes = 0
  for (; at < Number(to) && inUse() < USED_UP; at++) {
    const chance = random(Number(seed) + at * 7919)
    const kind = kinds[at % kinds.length] as string
    const { args, check } = met[at % met.length] as Met
    const sound = chance.of(inputs)
    const input = (faults[kind] as (typeof faults)[string])(sound, chance)
    bytes += input.length
    tell({ at, kind, args })
    try {
      const ran = await runOn(tool, args, input, path)
      promised(ran, input)
      check?.(ran)
    } catch (error) {
      tell({ broken: at, kind, args, why: String((error as Error).stack ?? error).slice(0, 600) })
    }
  }
  tell({ done: at, bytes })
} finally {
  rmSync(folder, { recursive: true })
}

/** What every tool owes: records that are JSON, and messages without end or control characters are none. */
function promised({ lines }: Ran, input: Buffer): void {
  if (input.length > 1 << 16) return
  for (const line of lines) if (line.startsWith('{')) JSON.parse(line)
}
