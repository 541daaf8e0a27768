/** All targets, each loaded when it is wanted. */

import { textFormats } from '../../lib/text/detect.js'
import type { Target } from './target.js'

type Load = () => Promise<Target>

const texts = Object.keys(textFormats) as (keyof typeof textFormats)[]

/** What --from says, and the golden cases with such text. */
const others: [string, RegExp][] = [
  ['function-graph', /function-graph/],
  ['systemtap', /systemtap/],
  ['perf-json', /perf-json/],
  ['chrome-json', /chrome-json/],
  ['auto', /ftrace|perf|graph|json|systemtap|trace-cmd/],
]

export const targets: Record<string, Load> = {
  agent: async () => (await import('./targets/agent.js')).agent,
  channel: async () => (await import('./targets/channel.js')).channel,
  clock: async () => (await import('./targets/clock.js')).clock,
  dat: async () => (await import('./targets/dat.js')).dat,
  expression: async () => (await import('./targets/expression.js')).expression,
  histogram: async () => (await import('./targets/histogram.js')).histogram,
  nats: async () => (await import('./targets/nats.js')).nats,
  'nats-address': async () => (await import('./targets/nats-parts.js')).natsAddress,
  'nats-partition': async () => (await import('./targets/nats-parts.js')).natsPartition,
  'nats-resume': async () => (await import('./targets/nats-parts.js')).natsResume,
  pages: async () => (await import('./targets/pages.js')).pages,
  pairs: async () => (await import('./targets/pairs.js')).pairs,
  record: async () => (await import('./targets/record.js')).record,
  ...Object.fromEntries(
    texts.map((format): [string, Load] => [format, async () => (await import('./targets/text.js')).text(format)]),
  ),
  ...Object.fromEntries(
    others.map(([form, cases]): [string, Load] => [
      form,
      async () => (await import('./targets/forms.js')).forms(form, cases),
    ]),
  ),
}
