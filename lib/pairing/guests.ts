/**
 * Guests: which guest an event concerns that does not say so (`vm`).
 *
 * A src by whose name other events call a guest is that guest, and what it does not say of its events is its own name:
 * an `irq_handler_entry` of vm2 ends no injection into vm1, though the key is the same. That holds for a src that names
 * no other guest: a guest that has guests itself may speak of any.
 */
import { SRC, VM } from '../assembly/layout.js'
import { words } from '../wire/memory.js'

export interface Guests {
  /** Learns from a row. Answers the guest it concerns; 0: it may be any. */
  take(row: number): number
  /** The guest that an event of this src concerns, which says `vm`. */
  of(vm: number, src: number): number
  /** An event of this src, which says `vm`, concerns a guest, and not that `other` one. */
  apart(vm: number, src: number, other: number): boolean
  /** All events of this src concern the guest of its name. */
  alone(src: number): boolean
}

export function guests(): Guests {
  const named = new Set<number>()
  const speakers = new Set<number>()
  let lastVm = 0
  let lastSrc = 0

  const alone = (src: number) => named.has(src) && !speakers.has(src)
  const of = (vm: number, src: number) => (vm === 0 && named.size > 0 && alone(src) ? src : vm)

  return {
    take(row) {
      const vm = words[row + VM] as number
      const src = words[row + SRC] as number
      if (vm !== 0 && (vm !== lastVm || src !== lastSrc)) {
        named.add(vm)
        if (vm !== src) speakers.add(src)
        lastVm = vm
        lastSrc = src
      }
      return of(vm, src)
    },
    of,
    apart(vm, src, other) {
      const own = of(vm, src)
      return own !== 0 && other !== 0 && own !== other
    },
    alone,
  }
}
