/** Numbers that the scanner of trace text shares with TypeScript, as layout.ts does for the wire format. */

/** Which text: who printed it decides where its columns stand. */
export const TEXT_FTRACE = 1
export const TEXT_TRACE_CMD = 2
export const TEXT_PERF = 3
export const TEXT_PERF_PROF = 4

/**
 * Longest line of text and longest stack that are read. The kernel's own limit for a line is a page or two. At six
 * bytes for a control character, in the fields and in `text`, their JSON still is no longer than a line may be.
 */
export const MAX_TEXT = 1 << 16
export const MAX_STACK = 1 << 15

/** What `textCount` counts. */
export const COUNT_HEADERS = 0
export const COUNT_SKIPPED = 1
export const COUNT_STACKS = 2
export const COUNT_NOT_UTF8 = 3

/** Kinds of a form: the first word of it in the memory. */
export const FORM_PAIRS = 1
export const FORM_TEMPLATE = 2
export const FORM_SYSCALL = 3

/** Words of a template: the next one to try (or 0), its ways and its parts. */
export const TEMPLATE_NEXT = 1
export const TEMPLATE_BACKWARDS = 2
export const TEMPLATE_PLAIN = 3
export const TEMPLATE_FIELDS = 4
export const TEMPLATE_TAIL = 5
export const TEMPLATE_SUFFIX = 7
export const TEMPLATE_WORDS = 9
/** Words of a field: the text before it (address, length), its type, `"name":` (address, length), its choices. */
export const FIELD_BEFORE = 0
export const FIELD_TYPE = 2
export const FIELD_NAME = 3
export const FIELD_CHOICES = 5
export const FIELD_WORDS = 6
export const MAX_FIELDS = 32

/** Types of a field. */
export const FIELD_DECIMAL = 1
export const FIELD_HEX = 2
export const FIELD_DECIMAL_64 = 3
export const FIELD_HEX_64 = 4
export const FIELD_SIGNED_HEX_64 = 5
export const FIELD_TEXT = 6
export const FIELD_WORD = 7
export const FIELD_POINTER = 8
export const FIELD_CHOICE = 9
export const FIELD_VALUE = 10
export const FIELD_DEVICE = 11
export const FIELD_HEX_LIST = 12

/** What is known of a field by its name alone. */
export const NAME_64 = 1
export const NAME_POINTER = 2
export const NAME_HEX = 4
