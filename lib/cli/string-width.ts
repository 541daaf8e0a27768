/** Width of a help text in columns; ours are ASCII. Stands in for the package of this name in the bundles. */
export default function stringWidth(text: string): number {
  return text.length
}
