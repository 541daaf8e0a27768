/** What the progress line says, in as many columns as there are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressText } from '../../lib/cli/progress.js'

test('percent, rate and time left', () => {
  assert.equal(progressText('parse', 420e6, 1000e6, 2, 79), 'parse: 42 %  210 MB/s  0:03 left')
  // 999 of 1000 are not all of it
  assert.equal(progressText('order', 999e6, 1000e6, 90, 79), 'order: 99 %  11 MB/s  0:01 left')
  assert.equal(progressText('pair', 1000e6, 1000e6, 10, 79), 'pair: 100 %  100 MB/s  0:00 left')
  assert.equal(progressText('pair', 8e6, 4000e6, 1, 79), 'pair: 0 %  8.0 MB/s  8:19 left')
  assert.equal(progressText('pair', 50e3, 1e9, 1, 79), 'pair: 0 %  50.0 kB/s  5:33:19 left')
  assert.equal(progressText('pair', 0, 1e9, 1, 79), 'pair: 0 %  0.0 kB/s  ?:?? left')
})

test('as much of it as fits', () => {
  const text = (width: number) => progressText('parse', 420e6, 1000e6, 2, width)
  assert.equal(text(32), 'parse: 42 %  210 MB/s  0:03 left')
  assert.equal(text(31), '42 %  210 MB/s  0:03 left')
  assert.equal(text(24), '42 %  0:03 left')
  assert.equal(text(14), '42 %')
  assert.equal(text(3), '')
})
