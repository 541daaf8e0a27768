/** What tests of rows need beside the scanner. */
export { HAS, HAS_BROKEN, ROW_WORDS } from '../../lib/assembly/layout.js'

export const LINE_ROOM_FOR_TESTS = 1 << 20
