/**
 * A stop that is waited for again and again, for days, beside something else. Promise.race with one promise that lasts
 * leaves a reaction on it each time, and whatever the other one held; here who waits no longer is forgotten.
 */
export interface StopSign {
  readonly given: boolean
  /** For good: all who wait go on. */
  give(): void
  /** What `work` answers; undefined where the stop is first. */
  or<T>(work: Promise<T>): Promise<T | undefined>
}

export function stopSign(): StopSign {
  const waiting = new Set<() => void>()
  let given = false
  return {
    get given() {
      return given
    },
    give() {
      given = true
      for (const go of waiting) go()
      waiting.clear()
    },
    or: (work) =>
      new Promise((resolve, reject) => {
        const go = () => resolve(undefined)
        const forget = () => waiting.delete(go)
        if (given) go()
        else waiting.add(go)
        work.then(resolve, reject).then(forget, forget)
      }),
  }
}
