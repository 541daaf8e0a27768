export { align } from './clock'
export { putPair } from './pair'
export { nameAddress, nameCount, nameLength, intern } from './names'
export { blankLines, find, foundEnd, newline, scan, scannedTo } from './scan'
export { copy, prepare, putSigned, putString, putUnsigned, putWithMember, putWithTime } from './put'
export { openText, scanText, textCount } from './text'
export { setForm } from './text-form'
export { setNameBits } from './text-pairs'
export { putTextLine } from './text-line'

/** First address that no module here uses. */
export function heapBase(): usize {
  return __heap_base
}
