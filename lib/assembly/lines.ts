/**
 * Lines of any text into rows: where each begins and ends, nothing else. OWN is TEXT_LINE, or TEXT_CONTROL where
 * the line begins with `# vmpipe `. Every line makes a row, an empty one too: whoever sent them counted them.
 */
import { LINE, LINE_END, OWN, ROW_WORDS, TEXT_CONTROL, TEXT_LINE } from './layout'
import { newline, scannedUpTo } from './scan'

const ROW_BYTES: usize = ROW_WORDS * 4

export function scanLines(p: usize, end: usize, rows: usize, max: i32): i32 {
  let n = 0
  let row = rows
  while (p < end && n < max) {
    const stop = newline(p)
    memory.fill(row, 0, ROW_BYTES)
    store<u32>(row + LINE * 4, <u32>p)
    store<u32>(row + LINE_END * 4, <u32>stop)
    // "# vmpipe", and a blank
    const control = stop - p > 8 && load<u64>(p) == 0x657069706d762023 && load<u8>(p, 8) == 32
    store<u32>(row + OWN * 4, control ? TEXT_CONTROL : TEXT_LINE)
    p = stop + 1
    row += ROW_BYTES
    n++
  }
  scannedUpTo(p, 0)
  return n
}
