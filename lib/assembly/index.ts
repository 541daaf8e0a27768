export { align } from './clock'
export { putPair } from './pair'
export { nameAddress, nameLength, intern, limitNames } from './names'
export { blankLines, find, foundEnd, scan, scannedTo } from './scan'
export { copy, prepare, putWithMember, putWithTime } from './put'
export { forgetPrograms, ringAbout, ringAsks, ringMerge, ringOwn, ringStop, setLostType, setProgram } from './ring'
export { setStream } from './ring-event'
export { lastTime, setPageSize } from './ring-page'
export { forgetThreads, setOwn, setPrintks, setSymbols, setThread } from './ring-table'
export { scanLines } from './lines'
export { putWithSource } from './source'
export { openText, scanText, textCount } from './text'
export { setForm } from './text-form'
export { setNameBits } from './text-pairs'
export { putTextLine } from './text-line'

/** First address that no module here uses. */
export function heapBase(): usize {
  return __heap_base
}
