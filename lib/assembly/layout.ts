/**
 * The row: what the scanners leave of one line, 32 words of 32 bits.
 *
 * Shared by the AssemblyScript scanners (byte offsets: word * 4) and by record.ts (word indices), so
 * this file holds nothing but numbers. An address is an offset into the one WebAssembly memory.
 */

export const ROW_WORDS = 32

/** First byte of the line, and the byte after its last (the newline is not in it). 0: not rendered yet. */
export const LINE = 0
export const LINE_END = 1
/** HAS_* bits below. */
export const HAS = 2
/** Interned `type`; 0 is an event. */
export const TYPE = 3
/** `ts` or `tsc`, two's complement, 64 bits (low word first). */
export const TIME = 4
/** Interned `event` and `src`; 0 is absent. */
export const EVENT = 6
export const SRC = 7
export const CPU = 8
export const PID = 9
/** `key`: an integer of 64 bits, or (HAS_KEY_TEXT) the address and end of the JSON text of its value. */
export const KEY = 10
/** The time member, from the quote of its name to the end of its value. */
export const TIME_AT = 12
export const TIME_AFTER = 13
/** JSON text of the values of `args`, `comm`, `flags`, `text`: address and end. 0 is absent. */
export const ARGS = 14
export const COMM = 16
export const FLAGS = 18
/** Interned `vm`; 0 is absent. */
export const VM = 20
/** Interned `start` and `end` of a pair. */
export const START = 21
export const END = 22
/** Why the line is not to be used (a REASON below), and where in it. */
export const REASON = 23
/** `delta_ns` or `delta_tsc` of a pair, 64 bits. */
export const DELTA = 24
/** Address of the line's closing brace. */
export const CLOSE = 26
export const TEXT = 27
export const REASON_AT = 29
/** Two words that whoever made a synthetic row may use. */
export const OWN = 30

/** What OWN says of a line of any text (lines.ts); no address is so low. */
export const TEXT_LINE = 1
export const TEXT_CONTROL = 2

/** What a pair's row keeps where an event has its args and texts (TIME, CPU, PID are the end's). */
export const PAIR_START_TIME = ARGS
export const PAIR_START_CPU = COMM
export const PAIR_START_PID = COMM + 1
export const PAIR_START_HAS = FLAGS
export const PAIR_HEAD = TEXT
export const PAIR_TAIL = OWN

export const HAS_TS = 1
export const HAS_TSC = 2
export const HAS_CPU = 4
export const HAS_PID = 8
export const HAS_KEY_INTEGER = 16
export const HAS_KEY_TEXT = 32
export const HAS_DELTA_NS = 64
export const HAS_DELTA_TSC = 128
/** The line is no JSON object: nothing but REASON is to be read. */
export const HAS_BROKEN = 256
/** The integer in KEY is 2^63 or above. */
export const HAS_KEY_UNSIGNED = 512
/** The time in TIME is 2^63 or above as written. */
export const HAS_TIME_UNSIGNED = 1024
/** The line has a `src`; it has it twice, or has `vm`, `start_src` or `end_src`. */
export const HAS_SRC = 2048
export const HAS_SRC_MORE = 4096

/** Deepest nesting of arrays and objects that is followed. */
export const MAX_DEPTH = 128
/** Longest line that is read, in bytes. */
export const MAX_LINE = 1 << 20
/** How many different names (event, src, vm, type) one process remembers, and how long one may be. */
export const MAX_NAMES = 8192
export const MAX_NAME_LENGTH = 256
/** CPU numbers at and above this are not believed (the kernel's NR_CPUS ends at 8192). */
export const MAX_CPU = 1 << 16
/** Process ids at and above this are not believed (the kernel's PID_MAX_LIMIT is 2^22). */
export const MAX_PID = 0x7fffffff

export const REASON_NOT_OBJECT = 1
export const REASON_STRING = 2
export const REASON_ESCAPE = 3
export const REASON_NUMBER = 4
export const REASON_UTF8 = 5
export const REASON_DEPTH = 6
export const REASON_SYNTAX = 7
export const REASON_TRAILING = 8
export const REASON_TIME = 9
export const REASON_CPU = 10
export const REASON_PID = 11
export const REASON_NAMES = 12
export const REASON_NAME_TYPE = 13
export const REASON_DELTA = 14
export const REASON_TOO_LONG = 15
/** Trace text: no line of an event; longer than MAX_TEXT. */
export const REASON_NO_EVENT = 40
export const REASON_TEXT_LONG = 41
