/**
 * What an event and a path must have in common at a stage, as one string.
 *
 * Example: links skb = 7 and len = 84 of the host are `1|["7","84"]`, where 1 is the host's number; of a stage whose
 * machine is named the number is left out, since it is looked at before.
 */
import type { OpenPath } from './open-path.js'
import type { Stage } from './path.js'

export function keyOf({ whose }: Stage, values: readonly string[], src: number): string {
  return withMachine(whose, values.length === 1 ? (values[0] as string) : JSON.stringify(values), src)
}

function withMachine(whose: Stage['whose'], text: string, src: number): string {
  return whose === 'same' ? `${src}|${text}` : text
}

/** Of a path that has come from this src; undefined where it lacks a link of the stage. `names`: of all the links. */
export function keyOfPath(of: OpenPath, stage: Stage, names: readonly string[], src: number): string | undefined {
  const [link, another] = stage.in
  if (link && !another) {
    const value = of.links[names.indexOf(link.name)]
    return value === undefined ? undefined : withMachine(stage.whose, value, src)
  }
  const values = stage.in.map(({ name }) => of.links[names.indexOf(name)])
  return values.includes(undefined) ? undefined : keyOf(stage, values as string[], src)
}
