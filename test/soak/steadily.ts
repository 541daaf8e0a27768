/** Something so many times a second, in small bursts. A second that went by unused is not made up for. */
export interface Steady {
  rate: number
  stop(): void
}

const TURN_MS = 20
const MOST_MS = 200

export function steadily(make: (count: number) => void): Steady {
  let due = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    due += (steady.rate * Math.min(MOST_MS, now - last)) / 1000
    last = now
    const count = Math.floor(due)
    due -= count
    if (count > 0) make(count)
  }, TURN_MS)
  const steady = { rate: 0, stop: () => clearInterval(timer) }
  return steady
}
