/** The figures of a soak as Markdown. */
import type { Check, Made } from './account.js'
import { type Life, slopeText } from './memory.js'
import type { Trouble } from './trouble.js'

export interface Run {
  seconds: number
  warm: number
  seed: number
  made: Made
  troubles: Trouble[]
  lives: Life[]
  checks: Check[]
  /** Pairs so far, at each sample. */
  calls: [t: number, pairs: number][]
  restarts: { ended: number; killed: number }
}

export function figures({ seconds, warm, seed, made, troubles, lives, checks }: Run): string {
  const kinds = [...new Set(troubles.map(({ what }) => what))].sort()
  const times = (kind: string) => troubles.filter(({ what }) => what === kind).length
  return [
    `${Math.round(seconds)} s, seed ${seed}, ${2 * (made.load + made.generator)} events. Troubles: ${kinds.map((kind) => `${kind} ${times(kind)}`).join(', ')}.`,
    '',
    '| holds | what | figures |',
    '| --- | --- | --- |',
    ...checks.map(({ holds, what, figures }) => `| ${holds ? 'yes' : '**no**'} | ${what} | ${figures} |`),
    '',
    `Memory after the first ${Math.round(warm)} s: the medians of the first and last tenth of the samples, and, right after full collections of the garbage, what is held:`,
    '',
    '| process | RSS, MiB | its slope, KiB/h ± 2 standard errors | held: slope of the RSS | slope beside the heap | heap, KiB | its slope | most, MiB | descriptors | CPU, s |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...lives.map(
      ({ process, processes, rss, slope, held, beside, heap, heaps, peak, fds, cpu }) =>
        `| ${process}${processes > 1 ? ` (${processes} in turn)` : ''} | ${rss.map(mib).join(' to ')} | ${slopeText(slope)} | ${slopeText(held)} | ${slopeText(beside)} | ${heaps?.join(' to ') ?? '-'} | ${slopeText(heap)} | ${mib(peak)} | ${fds.join(' to ')} | ${processes > 1 ? '' : Math.round(cpu)} |`,
    ),
    '',
  ].join('\n')
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1)
}
