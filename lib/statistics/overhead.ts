/**
 * What tracing itself added to a path, taken out of its parts again. Known are the time of each part with tracing,
 * the whole with tracing and the whole without; which part the difference came from is not known. Two assumptions:
 *
 * - scale: tracing makes everything slower alike. Each part is multiplied by the same factor.
 * - subtract: each probe costs the same. Each part loses that for each probe that was hit in it, but no more than it
 *   has; what it could not give the others do.
 *
 * What belongs to no part has no probes, and keeps its time.
 *
 * Example: parts of 40, 181, 40, 181 with a probe each, 500 with tracing, 180 without: 58 belong to no part, 122 of
 * 442 are left to the parts. Scaled by 122/442 = 0.276: 11.04 and 49.96. Subtracted 320: 80 each, but two have only
 * 40, so 120 each from the others: 0 and 61.
 */
export const methods = ['scale', 'subtract'] as const

export type Method = (typeof methods)[number]

export interface TracedPart {
  ns: number
  /** How many probes were hit in it, on the average. */
  probes: number
}

export interface Estimate {
  method: Method
  /** Of each part without tracing, in ns. */
  times: number[]
  /** The factor, or the ns a probe. */
  amount: number
  /** Parts of which nothing was left. */
  emptied: number
}

/** Throws an Error where the totals cannot be of these parts. */
export function withoutTracing(
  parts: readonly TracedPart[],
  { traced, untraced }: { traced: number; untraced: number },
  method: Method,
): Estimate {
  const sum = parts.reduce((total, { ns }) => total + ns, 0)
  const added = traced - untraced
  if (added < 0) throw new Error('the path is longer without tracing than with it')
  // sums of means are off by less than a ns
  if (sum - traced > 0.5) throw new Error('the parts take longer than the whole path with tracing')
  if (sum - added < -0.5) throw new Error('tracing adds more than the parts take')
  if (method === 'subtract') return subtracted(parts, added)
  const amount = sum === 0 ? 1 : Math.max(0, sum - added) / sum
  return { method, times: parts.map(({ ns }) => ns * amount), amount, emptied: 0 }
}

function subtracted(parts: readonly TracedPart[], added: number): Estimate {
  const emptied = new Set<TracedPart>()
  while (true) {
    const giving = parts.filter((part) => part.probes > 0 && !emptied.has(part))
    const probes = giving.reduce((total, part) => total + part.probes, 0)
    const given = [...emptied].reduce((total, { ns }) => total + ns, 0)
    const amount = probes === 0 ? 0 : Math.max(0, added - given) / probes
    const short = giving.filter((part) => part.ns < part.probes * amount)
    if (short.length === 0) {
      const times = parts.map((part) =>
        emptied.has(part) ? 0 : part.ns - (part.probes > 0 ? part.probes * amount : 0),
      )
      return { method: 'subtract', times, amount, emptied: emptied.size }
    }
    for (const part of short) emptied.add(part)
  }
}
