/**
 * Whose pair it is, in a fleet. Behind pull(1) on a stream of many hosts, each name of a machine stands behind its host's
 * (`node7/vm1`); where one host's pairs are counted on that host, nothing in them says which it is, and it has one name.
 */
import { SRC, VM } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'

export interface HostNames {
  of(record: RecordView): string
  /** The guest's name on its host. */
  vm(record: RecordView): string | undefined
}

/** `own`: of what stands behind no host's name. */
export function hostNames(own: string): HostNames {
  const startSrc = memberName('start_src')
  const hosts: (string | undefined)[] = []

  /** Of an interned name; '' where no host's stands before it. */
  function hostOf(id: number): string {
    const known = hosts[id]
    if (known !== undefined) return known
    const name = nameOf(id)
    const host = name.slice(0, Math.max(0, name.indexOf('/')))
    hosts[id] = host
    return host
  }

  return {
    of(record) {
      const vm = words[record.row + VM] as number
      const src = words[record.row + SRC] as number
      const said = (vm > 0 && hostOf(vm)) || (src > 0 && hostOf(src))
      if (said) return said
      // most pairs of two machines say whose guest it is
      if (vm > 0 || src > 0) return own
      const start = String(record.member(startSrc) ?? '')
      return start.slice(0, Math.max(0, start.indexOf('/'))) || own
    },
    vm({ vm }) {
      return vm === '' ? undefined : vm.slice(vm.indexOf('/') + 1)
    },
  }
}
