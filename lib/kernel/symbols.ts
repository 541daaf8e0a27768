/**
 * Kernel symbols: /proc/kallsyms (the same text stands in trace.dat), `ffffffff81000000 T name [module]`.
 * Only what is code is kept. Addresses are all 0 to whoever may not see them (kptr_restrict).
 */
import { allocate, bytes, scanner } from '../wire/memory.js'

/** Gives the decoder the symbols of a kallsyms text. Answers how many there are; 0: none that can be used. */
export function learnSymbols(kallsyms: string): number {
  const found: { address: bigint; name: string }[] = []
  for (const [, hex, name = ''] of kallsyms.matchAll(/^([0-9a-f]{8,16}) [tTwW] (\S+)/gm)) {
    const address = BigInt(`0x${hex}`)
    if (address !== 0n) found.push({ address, name })
  }
  if (found.length === 0) return 0
  found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
  const addresses = allocate(found.length * 8)
  const names = allocate(found.length * 4 + 4)
  const texts = Buffer.from(found.map(({ name }) => name).join(''), 'latin1')
  let text = allocate(texts.length + 16)
  texts.copy(bytes, text)
  found.forEach(({ address, name }, i) => {
    bytes.writeBigUInt64LE(address, addresses + i * 8)
    bytes.writeUInt32LE(text, names + i * 4)
    text += name.length
  })
  bytes.writeUInt32LE(text, names + found.length * 4)
  scanner.setSymbols(addresses, names, found.length)
  return found.length
}
