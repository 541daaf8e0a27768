/**
 * What TypeScript and the decoder of the kernel's ring buffer share: the cursor of a CPU, the program of an
 * event's format, and why a merge stopped. Nothing but numbers; words of 32 bits.
 */

/** A cursor: where the decoder is in the pages of one CPU. */
export const CURSOR_WORDS = 26
export const CURSOR_CPU = 0
/** What comes next: one of NEXT_*. */
export const CURSOR_NEXT = 1
/** The time of what comes next, 64 bits. */
export const CURSOR_TIME = 2
/** The running time in the page. */
export const CURSOR_CLOCK = 4
/** The header after the next event's, and the end of the page's data. */
export const CURSOR_AT = 6
export const CURSOR_END = 7
/** The next event's record: address and length. */
export const CURSOR_DATA = 8
export const CURSOR_LENGTH = 9
/** The time of the last event that was found, and the time before which nothing can be missing. */
export const CURSOR_LAST = 10
export const CURSOR_FLOOR = 12
/** How many events are missing before the next one, 64 bits; -1: some, not known how many. */
export const CURSOR_LOST = 14
/** Pages that were taken and put so far; the queue of their addresses holds CURSOR_MASK + 1. */
export const CURSOR_HEAD = 16
export const CURSOR_TAIL = 17
export const CURSOR_QUEUE = 18
export const CURSOR_MASK = 19
/** Events found and events lost, as far as counted, 64 bits each. */
export const CURSOR_FOUND = 20
export const CURSOR_MISSED = 22
/** The address of what corrects this CPU's times (SHIFT_*); 0: they are as they stand in the pages. */
export const CURSOR_SHIFT = 24

/**
 * A correction of times: count of samples, flags, and what is added after all else (64 bits); then the samples, of
 * 64 bits each: the time from which on it holds, offset, ratio, and by how many bits ratio is shifted.
 */
export const SHIFT_COUNT = 0
export const SHIFT_FLAGS = 1
export const SHIFT_ADD = 2
export const SHIFT_WORDS = 4
export const SAMPLE_WORDS = 8
/** SHIFT_FLAGS: between two samples the offset changes steadily. */
export const SHIFT_INTERPOLATE = 1

export const NEXT_NOTHING = 0
export const NEXT_EVENT = 1
export const NEXT_LOSS = 2

/** Where the data of a page begins and how long its commit word is (events/header_page of a 64-bit kernel). */
export const PAGE_DATA = 16
/** The commit word (kernel/trace/ring_buffer.c: RB_MISSED_EVENTS, RB_MISSED_STORED, RB_MISSED_MASK). */
export const PAGE_MISSED = 0x80000000
export const PAGE_MISSED_STORED = 0x40000000
export const PAGE_LENGTH = 0xfffff

/** A program: how an event of one format becomes a line. Behind the head stand its fields. */
export const PROGRAM_WORDS = 14
/** Interned name of the event. */
export const PROGRAM_EVENT = 0
export const PROGRAM_FLAGS = 1
/** `","src":"host","event":"irq:irq_handler_entry","cpu":`: address and end. */
export const PROGRAM_HEAD = 2
export const PROGRAM_FIELDS = 4
/** Two pairs of offsets, of a pid and of its comm, by which comms are learnt; 0: none. */
export const PROGRAM_LEARN = 5
/** Offsets of up to three members that are a pid. */
export const PROGRAM_PIDS = 9

/** PROGRAM_FLAGS: not wanted; a note that goes to whoever merges; the stack of the event before it. */
export const PROGRAM_SKIP = 1
export const PROGRAM_NOTE = 2
export const PROGRAM_STACK = 4

/** A field of a program. */
export const FIELD_WORDS = 8
/** `,"name":`: address and end. */
export const FIELD_HEAD = 0
export const FIELD_KIND = 2
export const FIELD_PLACE = 3
export const FIELD_OFFSET = 4
/** Bytes of an element: 1, 2, 4 or 8. */
export const FIELD_SIZE = 5
export const FIELD_SIGNED = 6
/** Elements of an array, bytes of a text; 0 is a single value (PLACE_AT only). */
export const FIELD_COUNT = 7

export const KIND_NUMBER = 0
export const KIND_TEXT = 1
export const KIND_SYMBOL = 2
/** The address of a format text of the kernel's (printk_formats). */
export const KIND_PRINTK = 3

/** In the record; where a word says (`__data_loc`); where a word says from its own end (`__rel_loc`); all the rest. */
export const PLACE_AT = 0
export const PLACE_LOC = 1
export const PLACE_REL = 2
export const PLACE_REST = 3

/** Why a merge stopped. */
export const STOP_DONE = 0
/** The rows or the room for their lines are used up. */
export const STOP_FULL = 1
/** The comm of a pid is not known. */
export const STOP_PID = 2
/** An event has an id without a program. */
export const STOP_EVENT = 3
/** A note; its row is the last one. */
export const STOP_NOTE = 4

/** A line's worst case beyond the record's own bytes, each of which may take 7 of the line (`"\u0001`). */
export const RING_LINE_ROOM = 1 << 16
