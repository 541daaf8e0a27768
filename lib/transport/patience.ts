/** Waiting for something as long as it makes progress. */

export interface Patience {
  /** Until this there is no hurry. */
  after: Promise<void>
  /** ms without progress that are borne then. */
  ms: number
}

/** Awaits `work`; when patience is at an end it is left alone. */
export async function patiently(work: Promise<void>, { after, ms }: Patience, progress: () => number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let over = false
  const givenUp = new Promise<void>((resolve) => {
    const look = (seen: number) => {
      if (over) return
      timer = setTimeout(() => (seen === progress() ? resolve() : look(progress())), ms)
    }
    void after.then(() => look(progress()))
  })
  try {
    await Promise.race([work, givenUp])
  } finally {
    over = true
    clearTimeout(timer)
  }
}

/** What `work` answers, or `late` where it takes longer than `ms`. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
