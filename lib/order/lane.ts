/**
 * A lane: one input of a merge, put right where it is locally out of order.
 *
 * Text that is read live from several per-CPU buffers goes backwards now and then. Rows wait in a lane,
 * sorted by time, until nothing older can come: until the lane has been read `window` further (or says so
 * itself with a `clock` record, the watermark). A row that comes later than that is late: it goes out at the
 * place where the lane stands, marked.
 *
 * Which row is late, and where it goes, depends on the lines of this input alone, not on when they arrive.
 *
 * Example, window 10: rows at 100, 115, 104, 90. 104 is put before 115; 90 is 25 behind, more than the
 * window, so it is late and goes out when the lane stands at 105.
 */
import { HAS, HAS_TS, HAS_TSC, REASON, ROW_WORDS, SRC, TIME, TYPE } from '../assembly/layout.js'
import type { Batch, Input } from '../wire/input.js'
import { before } from '../wire/int64.js'
import { lossOf } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'
import { behind } from './behind.js'

const LOWEST = -0x8000_0000
const HIGHEST = 0x7fff_ffff
/** The window in cycles, where times are: no counter runs faster than 4 GHz. */
const CYCLES_PER_NS = 4

interface Held {
  batch: Batch
  from: number
  end: number
  left: number
}

export class Lane {
  readonly input: Input
  /** Rows held. */
  size = 0
  /** Time of the first row held (only where size > 0), and whether it is late. */
  headHigh = LOWEST
  headLow = 0
  headLate = false
  /** Nothing older than this comes any more. */
  frontierHigh = LOWEST
  frontierLow = 0
  /** The lane's own lines are over. */
  ended = false
  /** HAS_TS, HAS_TSC or both: the units of the times seen. */
  units = 0
  /** A read is under way. */
  reading: Promise<void> | null = null
  /** It has been waited for long enough; the others go on without it. */
  passedOver = false

  readonly #window: number
  #windowHigh: number
  #windowLow: number
  readonly #view: RecordView
  readonly #clock = idOf('clock')
  readonly #lost = idOf('lost')
  readonly #batches: Held[] = []
  /** Watermarks by src, as far as there are any. */
  readonly #marks = new Map<number, { high: number; low: number }>()
  #lastSrc = -1
  /** Rows that came in the order of time, from #head to #tail: word index and time. */
  #capacity = 1 << 12
  #rows = new Int32Array(this.#capacity)
  #lows = new Int32Array(this.#capacity)
  #highs = new Int32Array(this.#capacity)
  #head = 0
  #tail = 0
  #maxHigh = LOWEST
  #maxLow = 0
  /** The others. */
  readonly #behind = behind()
  #headBehind = false

  /** `window` in ns; `view` is used to look at single rows. */
  constructor(input: Input, window: number, view: RecordView) {
    this.input = input
    this.#window = window
    this.#windowHigh = Math.floor(window / 0x1_0000_0000)
    this.#windowLow = window >>> 0
    this.#view = view
  }

  /** Rows that have just been read. Broken ones go to `bad`. */
  takeIn(batch: Batch, bad: (row: number) => void): void {
    const end = batch.rows + batch.count * ROW_WORDS
    let left = 0
    for (let row = batch.rows; row < end; row += ROW_WORDS) {
      if (words[row + REASON] !== 0) bad(row)
      else {
        this.#takeRow(row)
        left++
      }
    }
    if (left > 0) this.#batches.push({ batch, from: batch.rows, end, left })
    else batch.release()
    this.#follow()
    this.#look()
  }

  end(): void {
    this.ended = true
    this.frontierHigh = HIGHEST
    this.frontierLow = -1
  }

  /** Takes the first row out; it stays readable until `done`. */
  shift(): number {
    const row = this.#headBehind ? this.#behind.shift() : (this.#rows[this.#head++] as number)
    this.#look()
    return row
  }

  /** The row is no longer read. */
  done(row: number): void {
    const batches = this.#batches
    for (let i = 0; i < batches.length; i++) {
      const held = batches[i] as Held
      if (row < held.from || row >= held.end) continue
      if (--held.left === 0) {
        held.batch.release()
        batches.splice(i, 1)
      }
      return
    }
  }

  #look(): void {
    const head = this.#head
    const rest = this.#behind
    this.size = this.#tail - head + rest.size
    // of equal times, what is behind came later
    this.#headBehind = rest.size > 0 && (head === this.#tail || this.#isBehindFirst(head))
    this.headHigh = this.#headBehind ? rest.high : (this.#highs[head] as number)
    this.headLow = this.#headBehind ? rest.low : (this.#lows[head] as number)
    this.headLate = this.#headBehind && rest.late
  }

  #isBehindFirst(head: number): boolean {
    const { high, low } = this.#behind
    return before(high, low, this.#highs[head] as number, this.#lows[head] as number)
  }

  #takeRow(row: number): void {
    const has = words[row + HAS] as number
    const type = words[row + TYPE] as number
    const timed = has & (HAS_TS | HAS_TSC)
    if (type === 0) {
      if ((this.units & timed) !== timed) this.#learnUnit(timed)
      this.#know(words[row + SRC] as number)
    }
    let high = this.#maxHigh
    let low = this.#maxLow
    if (timed) {
      high = words[row + TIME + 1] as number
      low = words[row + TIME] as number
    } else if (type === this.#lost) {
      // a loss must be known before what came after its beginning is paired
      this.#view.row = row
      const { from } = lossOf(this.#view)
      if (from !== undefined) {
        high = Number(BigInt.asIntN(32, from >> 32n))
        low = Number(BigInt.asIntN(32, from))
      }
    }
    const asNewest = high === this.#maxHigh && low === this.#maxLow
    // a late row may stand at the newest time, and what comes now is behind it
    if (asNewest && this.#behind.size > 0) this.#behind.add(row, high, low, false)
    else if (!before(high, low, this.#maxHigh, this.#maxLow)) {
      this.#maxHigh = high
      this.#maxLow = low
      this.#append(row, high, low)
    } else this.#insert(row, high, low, type === this.#lost)
    if (type === this.#clock && timed) this.#watermark(row, high, low)
  }

  #learnUnit(timed: number): void {
    this.units |= timed
    if (this.units & HAS_TS) return
    const cycles = this.#window * CYCLES_PER_NS
    this.#windowHigh = Math.floor(cycles / 0x1_0000_0000)
    this.#windowLow = cycles >>> 0
  }

  /** Interned names of the srcs whose events were seen. */
  get srcs(): Iterable<number> {
    return this.#marks.keys()
  }

  #know(src: number): void {
    if (src === this.#lastSrc) return
    this.#lastSrc = src
    if (!this.#marks.has(src)) this.#marks.set(src, { high: LOWEST, low: 0 })
  }

  /** A row that is older than one before it: put right, or late. A loss is never late: it tells of what was. */
  #insert(row: number, high: number, low: number, loss: boolean): void {
    this.#follow()
    if (!loss && before(high, low, this.frontierHigh, this.frontierLow))
      this.#behind.add(row, this.frontierHigh, this.frontierLow, true)
    else this.#behind.add(row, high, low, false)
  }

  #append(row: number, high: number, low: number): void {
    if (this.#tail >= this.#capacity) this.#grow()
    const tail = this.#tail++
    this.#rows[tail] = row
    this.#lows[tail] = low
    this.#highs[tail] = high
  }

  /** What is held moves to the front; of longer arrays where it fills more than half. */
  #grow(): void {
    const size = this.#tail - this.#head
    const longer = size > this.#capacity / 2
    if (longer) this.#capacity *= 2
    this.#rows = this.#moved(this.#rows, longer)
    this.#lows = this.#moved(this.#lows, longer)
    this.#highs = this.#moved(this.#highs, longer)
    this.#head = 0
    this.#tail = size
  }

  #moved(from: Int32Array<ArrayBuffer>, longer: boolean): Int32Array<ArrayBuffer> {
    if (!longer) {
      from.copyWithin(0, this.#head, this.#tail)
      return from
    }
    const to = new Int32Array(this.#capacity)
    to.set(from.subarray(this.#head, this.#tail))
    return to
  }

  #raiseFrontier(high: number, low: number): void {
    if (!before(this.frontierHigh, this.frontierLow, high, low)) return
    this.frontierHigh = high
    this.frontierLow = low
  }

  /** The frontier follows the newest time at the distance of the window. */
  #follow(): void {
    if (this.#maxHigh === LOWEST) return
    const low = (this.#maxLow >>> 0) - this.#windowLow
    this.#raiseFrontier(this.#maxHigh - this.#windowHigh - (low < 0 ? 1 : 0), low | 0)
  }

  /** Nothing older follows from this src; where the input carries several, the one furthest behind counts. */
  #watermark(row: number, high: number, low: number): void {
    this.#marks.set(words[row + SRC] as number, { high, low })
    let lowest = { high, low }
    for (const mark of this.#marks.values()) if (before(mark.high, mark.low, lowest.high, lowest.low)) lowest = mark
    this.#raiseFrontier(lowest.high, lowest.low)
  }
}
