/** Aligning as a filter's stage: the events, changes of the offset on the way, and what is said at the end. */
import type { Stage } from '../cli/tool.js'
import type { Alignment } from './align.js'
import type { Following } from './follow.js'

/** `look`: to be called now and then; `said`: what else is to be said at the end. */
export function alignStage(
  { event, record, counts }: Alignment,
  following?: Following,
  { look, said }: { look?(): void; said?(): string } = {},
): Stage {
  return {
    event: following
      ? (view, out) => {
          following.event(view)
          event(view, out)
        }
      : event,
    record(view, out) {
      look?.()
      record(view, out)
    },
    end() {
      const changes = following?.changes ?? 0
      const all = changes > 0 ? { ...counts, offset_changes: changes } : counts
      const changed = changes > 0 ? `, ${changes} changes of the offset` : ''
      return { line: `${sentence(counts)}${said ? `, ${said()}` : ''}${changed}`, counts: all }
    },
  }
}

function sentence({ aligned, had_ts, other_src }: Alignment['counts']): string {
  const had = had_ts > 0 ? `, ${had_ts} had ts already` : ''
  const others = other_src > 0 ? `, ${other_src} of another src` : ''
  return `${aligned} events aligned${had}${others}`
}
