/**
 * The one WebAssembly memory of the process, and the scanner that lives in it (lib/assembly/).
 *
 * Lines are read into it, scanned in it and written from it; nothing is copied into JavaScript objects.
 * It is reserved at its full size (256 MiB of address space; a page costs memory only once it is touched)
 * and never grows, so a view of it stays good for the whole run.
 */
import wasm from '../assembly/index.wasm'

/** What the WebAssembly module offers; addresses are offsets into its memory. */
interface Exports {
  memory: { buffer: ArrayBuffer }
  heapBase(): number
  nameAddress(id: number): number
  nameLength(id: number): number
  intern(at: number, length: number): number
  limitNames(further: number): void
  scan(from: number, end: number, rows: number, max: number): number
  scannedTo(): number
  blankLines(): number
  find(object: number, name: number, length: number): number
  foundEnd(): number
  prepare(): void
  copy(to: number, from: number, end: number): number
  putPair(to: number, row: number): number
  putWithMember(to: number, row: number, text: number, length: number): number
  putWithTime(to: number, row: number, cycles: boolean): number
  putWithSource(
    to: number,
    line: number,
    row: number,
    name: number,
    length: number,
    wanted: boolean,
    prefix: boolean,
  ): number
  scanLines(from: number, end: number, rows: number, max: number): number
  align(clock: number, at: number): number
  openText(format: number, src: number, guestSrc: number, lostType: number): void
  scanText(from: number, end: number, rows: number, max: number, last: boolean, held: boolean): number
  textCount(which: number): number
  setForm(event: number, form: number): void
  setNameBits(name: number, bits: number): void
  putTextLine(row: number, to: number): number
  setPageSize(size: number): void
  setStream(src: number, cycles: boolean): void
  setLostType(type: number): void
  setProgram(id: number, program: number): void
  forgetPrograms(): void
  setThread(pid: number, comm: number, length: number, vm: number): void
  setOwn(pid: number): void
  forgetThreads(): void
  setSymbols(addresses: number, names: number, count: number): void
  setPrintks(addresses: number, texts: number, count: number): void
  ringMerge(cursors: number, n: number, until: bigint, rows: number, most: number, lines: number, stop: number): number
  ringStop(): number
  ringAsks(): number
  ringOwn(): number
  ringAbout(): number
  lastTime(cursor: number, page: number): bigint
}

function instantiate(): Exports {
  const module = new WebAssembly.Module(wasm)
  const instance = new WebAssembly.Instance(module, {
    env: {
      abort() {
        throw new Error('the scanner aborted')
      },
    },
  })
  const exports = instance.exports as unknown as Exports
  exports.prepare()
  return exports
}

export const scanner = instantiate()
export const bytes = Buffer.from(scanner.memory.buffer)
export const words = new Int32Array(scanner.memory.buffer)

/** Sizes are rounded up to this, so that what is released fits again. */
const GRAIN = 256
let top = align(scanner.heapBase())
const free = new Map<number, number[]>()
let used = 0

/** Bytes that are taken and not given back. */
export function inUse(): number {
  return used
}

function align(address: number): number {
  return (address + GRAIN - 1) & ~(GRAIN - 1)
}

/** Takes `size` bytes with whatever stood in them before. Throws a RangeError when the 256 MiB are used up. */
export function allocate(size: number): number {
  const rounded = align(size)
  used += rounded
  const reused = free.get(rounded)?.pop()
  if (reused !== undefined) return reused
  if (top + rounded > bytes.length - GRAIN) throw new RangeError('out of memory: more than 256 MiB of lines are held')
  const address = top
  top += rounded
  return address
}

/** Gives back what `allocate` gave. */
export function release(address: number, size: number): void {
  const rounded = align(size)
  used -= rounded
  const list = free.get(rounded)
  if (list) list.push(address)
  else free.set(rounded, [address])
}

/** The text between two addresses. Latin-1 is right for digits and names of members, and the fastest. */
export function latin1(from: number, end: number): string {
  return bytes.toString('latin1', from, end)
}

export function utf8(from: number, end: number): string {
  return bytes.toString('utf8', from, end)
}
