/**
 * A value out of a record as text. An object is its JSON: String() would ask it for its toString, and a record may
 * hold a member of that name which is no function.
 */
export function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
