/**
 * Correction of times: a guest's file from trace-cmd says how its clock ran against the host's, in samples for each
 * CPU; any file may say what is to be added. Sample i holds from its time until the next:
 *
 *     time' = ((time * ratio) >> fraction) + offset + add          mod 2^64
 *
 * A single sample is an offset only. Where the samples are to be interpolated, the offset goes steadily from one
 * sample's to the next one's, rounded to the nearest (trace-cmd report does the same).
 *
 *     samples (100, 10), (300, 20): 200 -> 215
 */
import { multiply, upperHalf } from './clock'
import {
  SAMPLE_WORDS,
  SHIFT_ADD,
  SHIFT_COUNT,
  SHIFT_FLAGS,
  SHIFT_INTERPOLATE,
  SHIFT_WORDS,
} from './ring-layout'

const TIME: usize = 0
const OFFSET: usize = 8
const RATIO: usize = 16
const FRACTION: usize = 24

export function shifted(shift: usize, time: u64): u64 {
  if (!shift) return time
  const count = load<u32>(shift + SHIFT_COUNT * 4)
  const add = load<u64>(shift + SHIFT_ADD * 4)
  const samples = shift + SHIFT_WORDS * 4
  if (count == 0) return time + add
  if (count == 1) return time + load<u64>(samples + OFFSET) + add
  const sample = samples + <usize>place(samples, count, time) * SAMPLE_WORDS * 4
  return scaled(sample, time) + offsetAt(sample, time, load<u32>(shift + SHIFT_FLAGS * 4)) + add
}

/** The last sample at or before the time, but never the last of all. */
function place(samples: usize, count: u32, time: u64): u32 {
  let low: u32 = 0
  let high: u32 = count - 2
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (load<u64>(samples + <usize>middle * SAMPLE_WORDS * 4 + TIME) <= time) low = middle
    else high = middle - 1
  }
  return low
}

function scaled(sample: usize, time: u64): u64 {
  const fraction = load<u64>(sample + FRACTION)
  const low = multiply(time, load<u64>(sample + RATIO))
  if (fraction == 0) return low
  return fraction < 64 ? (upperHalf() << (64 - fraction)) | (low >> fraction) : 0
}

function offsetAt(sample: usize, time: u64, flags: u32): i64 {
  const offset = load<i64>(sample + OFFSET)
  if (!(flags & SHIFT_INTERPOLATE)) return offset
  const from = load<i64>(sample + TIME)
  const span = load<i64>(sample + SAMPLE_WORDS * 4 + TIME) - from
  if (span <= 0) return offset
  const change = load<i64>(sample + SAMPLE_WORDS * 4 + OFFSET) - offset
  return offset + ((<i64>time - from) * change + span / 2) / span
}
