/** The one tip: what is under the pointer, or under the cursor of the keyboard, which is also read out. */
import { html } from './dom.js'

export interface Tip {
  show(x: number, y: number, lines: readonly string[]): void
  hide(): void
}

export function makeTip(): Tip {
  const box = html('div', { id: 'tip', role: 'status', 'aria-live': 'polite', hidden: '' })
  document.body.append(box)
  return {
    show(x, y, lines) {
      const [first = '', ...rest] = lines
      box.replaceChildren(html('strong', {}, first), ...rest.map((line) => html('div', {}, line)))
      box.hidden = false
      const { width, height } = box.getBoundingClientRect()
      const left = x + 14 + width > innerWidth ? x - 14 - width : x + 14
      const top = y + 14 + height > innerHeight ? y - 14 - height : y + 14
      box.style.left = `${Math.max(4, Math.min(left, innerWidth - width - 4))}px`
      box.style.top = `${Math.max(4, top)}px`
    },
    hide() {
      box.hidden = true
    },
  }
}
