/** A table of text: columns as wide as what stands in them; one in which nothing stands is left out. */
import { oneLine } from './visible.js'

export interface Column<Row> {
  head: string
  /** Numbers stand to the right. */
  right?: boolean
  of(row: Row): string | number | undefined
}

export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  if (rows.length === 0) return ''
  const filled = columns
    .map(({ head, right, of }) => ({ head, right, cells: rows.map((row) => oneLine(String(of(row) ?? ''))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({ ...column, width: Math.max(column.head.length, ...column.cells.map((cell) => cell.length)) }))
  const line = (cell: (column: (typeof filled)[number]) => string) =>
    filled
      .map((column) => (column.right ? cell(column).padStart(column.width) : cell(column).padEnd(column.width)))
      .join('  ')
      .trimEnd()
  return [line(({ head }) => head), ...rows.map((_, i) => line(({ cells }) => cells[i] as string))]
    .map((text) => `${text}\n`)
    .join('')
}
