/** The languages that sequences can be drawn in; what is to be said besides stands below the last one. */
import { jsSequence } from './js-sequence.js'
import { mermaid, type Sequence } from './sequence.js'
import { sequencesSvg } from './sequence-svg.js'

type Drawing = (sequences: readonly Sequence[], remarks: readonly string[]) => string

export const drawings: Record<'mermaid' | 'js-sequence' | 'svg', Drawing> = {
  mermaid: (sequences, remarks) => remarked(sequences, remarks).map(mermaid).join(''),
  'js-sequence': (sequences, remarks) => remarked(sequences, remarks).map(jsSequence).join(''),
  svg: (sequences, remarks) => sequencesSvg(remarked(sequences, remarks)),
}

function remarked(sequences: readonly Sequence[], remarks: readonly string[]): Sequence[] {
  const last = sequences.length - 1
  return sequences.map((one, i) => (i === last ? { ...one, remarks: [...one.remarks, ...remarks] } : one))
}
