/** Names that fit where people read them: a guest may send one of a mebibyte. */
import { createHash } from 'node:crypto'

const MOST = 200
const BEGINNING = 160

/** A longer text is cut; what its digest says keeps two of the same beginning apart. */
export function shortened(text: string): string {
  return text.length <= MOST ? text : cut(text, BEGINNING)
}

/** The first so many characters, and the digest. */
export function cut(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}...${digest}`
}
