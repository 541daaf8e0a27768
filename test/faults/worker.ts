/**
 * A process of the fault bench: `worker.mjs TOOL SEED FROM TO`. Meets the cases FROM to TO of one tool, each the same
 * for the same seed: faults at random, and from CUTS on small streams that end at each of their bytes, one after
 * another. Prints a JSON object a line: a case before it is tried, so that who reads knows in which
 * it hung or died; what was broken; and at the end where it stopped, for memory of the WebAssembly module that a
 * stage takes is not given back before the process ends.
 */
import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import allTools from 'all-tools'
import { inUse } from '../../lib/wire/memory.js'
import { faults } from './faults.js'
import { CUTS, compared, filters, type Met, smallInputs, soundInputs } from './filters.js'
import { random } from './random.js'
import { type Ran, runOn } from './running.js'

const [name = '', seed = '', from = '', to = ''] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'vmpipe-faults-'))
const path = join(folder, 'input')
const tell = (told: object) => writeSync(1, `${JSON.stringify(told)}\n`)
const USED_UP = 100 << 20

try {
  const { default: tool } = await (allTools[name] as NonNullable<(typeof allTools)[string]>)()
  const inputs = Number(from) < CUTS ? soundInputs(name) : smallInputs(name)
  const met = filters[name] as readonly Met[]
  const kinds = Object.keys(faults)
  let at = Number(from)
  let bytes = 0
  for (; at < Number(to) && inUse() < USED_UP; at++) {
    const { kind, args, input, check } = at < CUTS ? faulty(at) : cut(at - CUTS)
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
  tell({ done: at, bytes, ...compared })

  function faulty(n: number): Case {
    const chance = random(Number(seed) + n * 7919)
    const kind = kinds[n % kinds.length] as string
    const sound = chance.of(inputs)
    return { kind, ...(met[n % met.length] as Met), input: (faults[kind] as (typeof faults)[string])(sound, chance) }
  }

  /** Each byte of each input, with each of the tool's arguments. */
  function cut(n: number): Case {
    let left = n
    for (const input of inputs) {
      const cases = (input.length + 1) * met.length
      if (left < cases)
        return {
          kind: `cut at byte ${Math.floor(left / met.length)}`,
          ...(met[left % met.length] as Met),
          input: input.subarray(0, Math.floor(left / met.length)),
        }
      left -= cases
    }
    return { kind: 'nothing', args: (met[0] as Met).args, input: Buffer.alloc(0) }
  }
} finally {
  rmSync(folder, { recursive: true })
}

interface Case extends Met {
  kind: string
  input: Buffer
}

/** What every tool owes: records that are JSON, and messages without end or control characters are none. */
function promised({ lines }: Ran, input: Buffer): void {
  if (input.length > 1 << 16) return
  for (const line of lines) if (line.startsWith('{')) JSON.parse(line)
}
