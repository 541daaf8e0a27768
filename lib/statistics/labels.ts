/** Labels: by what members of a pair `histo --by` tells rows apart; `key` is that of pair, with its guest. */
import { memberName, type RecordView } from '../wire/record.js'
import type { Label } from './series.js'

/** `state,comm`. Throws an Error where the text names no members. */
export function labelsOf(text: string): Label[] {
  return text.split(',').map((name) => {
    if (!/^\w+$/.test(name)) throw new Error(`--by: ${JSON.stringify(name)} is not a member of a pair`)
    return name === 'key' ? key : ofMember(name)
  })
}

/** A pair without a key stands under `-`. */
export const key: Label = {
  name: 'key',
  text({ keyText: text = '-', vm }) {
    return vm ? `${vm}/${text}` : text
  },
  members: (record) => ({ key: keyMember(record), vm: record.vm || undefined }),
}

/** The key as the wire format has it. */
export function keyMember({ key, keyText }: RecordView): number | string | undefined {
  return typeof key === 'number' ? key : keyText
}

function ofMember(name: string): Label {
  const member = memberName(name)
  const text = (record: RecordView) => String(record.member(member) ?? '-')
  return { name, text, members: (record) => ({ [name]: text(record) }) }
}
