/** Starts and ends in turn, a nanosecond apart, each with its number: what is missing is seen. */
export function numberedEvents(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const event = i % 2 ? 'a:end' : 'a:start'
    return `${JSON.stringify({ ts: String(1000 + i), src: 'host', event, cpu: 0, pid: 7, args: { i } })}\n`
  }).join('')
}
