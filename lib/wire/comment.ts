/**
 * Comments: what a stream of trace text says of itself, between lines that are carried unread. A guest that has
 * nothing but a shell sends its trace_pipe like this; pull, push and parse understand it.
 *
 *     # vmpipe stream version=1 session=5d8f clock=x86-tsc hostname=guest kernel=6.1.0
 *     # vmpipe clock session=5d8f sent=120
 *     # vmpipe lost count=12
 *     # vmpipe end session=5d8f sent=180
 *
 * `sent` counts the lines before it in this session, without these.
 */
export type Members = Record<string, unknown>

/** `# vmpipe clock session=5d8f sent=2`: values are words. */
export function comment(kind: Comment['kind'], members: Members): string {
  const words = Object.entries(members).filter(([, value]) => value !== undefined)
  return `# vmpipe ${[kind, ...words.map(([name, value]) => `${name}=${word(value)}`)].join(' ')}`
}

function word(value: unknown): string {
  return String(value).replaceAll(/\s+/g, '_')
}

export interface Comment {
  kind: 'stream' | 'clock' | 'end' | 'lost'
  members: Members
}

/** What a `# vmpipe …` line says; undefined where it is none of these. */
export function parseComment(line: string): Comment | undefined {
  const [, kind, rest = ''] = /^# vmpipe (stream|clock|end|lost)((?: [a-z_]+=\S*)*) *\r?$/.exec(line) ?? []
  if (!kind) return undefined
  const pairs = rest.split(' ').filter((pair) => pair !== '')
  return { kind: kind as Comment['kind'], members: Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2))) }
}
