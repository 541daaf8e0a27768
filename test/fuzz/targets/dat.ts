/** trace.dat: records that every filter takes, or a message; and memory is given back. */
import assert from 'node:assert/strict'
import { inUse } from '../../../lib/wire/memory.js'
import { readLine } from '../../reference/line.js'
import { datFixture, readHeld } from '../../support/dat.js'
import { smallDat } from '../../support/small-dat.js'
import type { Target } from '../target.js'

export const dat: Target = {
  seeds: () => [smallDat(), datFixture('v7-zstd-stacks.dat')],
  words: [
    '\u0000\u0000\u0000\u0000',
    'header_page\u0000',
    'header_event\u0000',
    'flyrecord\u0000',
    'latency  \u0000',
    'options  \u0000',
    'zlib\u0000',
    'zstd\u0000',
    'none\u0000',
    'x86-tsc\u0000',
    'field:',
    'offset:8;',
    'size:4096;',
    'signed:1;',
    '__data_loc char[] x;',
    'ID: 65535\n',
    '[4294967295]',
  ],
  longest: 1 << 16,
  async run(input) {
    const before = inUse()
    const { lines, said } = await readHeld(input)
    for (const line of lines) {
      const read = readLine(Buffer.from(line))
      assert.ok(read && read.doubtful !== true, `no filter takes ${line}`)
    }
    for (const message of said) assert.ok(message.length < 1000, `a message of ${message.length} characters`)
    // programs of formats stay
    assert.ok(inUse() - before < 1 << 20, `${inUse() - before} bytes are not given back`)
  },
}
