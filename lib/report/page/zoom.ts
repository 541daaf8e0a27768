/**
 * Zooming along a picture's x axis: drag over what is wanted, pinch, Ctrl and the wheel, or the keyboard. A plain wheel
 * scrolls the page, as anywhere; sideways it pans.
 */

export interface Zoom {
  /** What is shown now. */
  readonly from: number
  readonly to: number
  set(from: number, to: number): void
  reset(): void
  by(factor: number, around?: number): void
  pan(share: number): void
}

export interface Picture {
  element: SVGSVGElement
  /** The part of it that has the axis: left and right in pixels. */
  inner(): { left: number; right: number }
  extent: readonly [number, number]
  /** No closer than this. */
  least: number
  changed(): void
  /** Draws, or takes away (null), what is being dragged over, in pixels. */
  brush(range: readonly [number, number] | null): void
  /** A click, or a tap, that was no drag. */
  click?(x: number, y: number): void
}

export function zoomOf(picture: Picture): Zoom {
  const { element, extent, least } = picture
  let [from, to] = extent

  const zoom: Zoom = {
    get from() {
      return from
    },
    get to() {
      return to
    },
    set(a, b) {
      const size = Math.min(Math.max(b - a, least), extent[1] - extent[0])
      const middle = (a + b) / 2
      from = Math.min(Math.max(middle - size / 2, extent[0]), extent[1] - size)
      to = from + size
      picture.changed()
    },
    reset: () => zoom.set(...extent),
    by(factor, around = (from + to) / 2) {
      zoom.set(around - (around - from) / factor, around + (to - around) / factor)
    },
    pan(share) {
      const step = (to - from) * share
      zoom.set(from + step, to + step)
    },
  }

  function valueAt(x: number): number {
    const { left, right } = picture.inner()
    return from + ((x - left) / (right - left)) * (to - from)
  }

  listenPointers(picture, zoom, valueAt)
  element.addEventListener('dblclick', () => zoom.reset())
  element.addEventListener(
    'wheel',
    (event) => {
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
      if (!sideways && !event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      if (sideways) zoom.pan(event.deltaX / 600)
      else zoom.by(2 ** (-event.deltaY / 200), valueAt(xOf(event, element)))
    },
    { passive: false },
  )
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const action = keys(zoom)[event.key]
    if (!action) return
    event.preventDefault()
    action()
  })
  return zoom
}

function keys(zoom: Zoom): Record<string, () => void> {
  return {
    ArrowLeft: () => zoom.pan(-0.2),
    ArrowRight: () => zoom.pan(0.2),
    '+': () => zoom.by(2),
    '=': () => zoom.by(2),
    '-': () => zoom.by(0.5),
    '0': () => zoom.reset(),
    Home: () => zoom.reset(),
  }
}

export function xOf(event: MouseEvent, element: Element): number {
  return event.clientX - element.getBoundingClientRect().left
}

export function yOf(event: MouseEvent, element: Element): number {
  return event.clientY - element.getBoundingClientRect().top
}

/** One pointer drags a range, two pinch. */
function listenPointers(picture: Picture, zoom: Zoom, valueAt: (x: number) => number): void {
  const { element } = picture
  const down = new Map<number, number>()
  let start: number | null = null
  let held: [number, number] | null = null

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    down.set(event.pointerId, xOf(event, element))
    start = down.size === 1 && event.pointerType !== 'touch' ? xOf(event, element) : null
    if (down.size === 2) held = [...down.values()].map(valueAt) as [number, number]
    element.setPointerCapture(event.pointerId)
  })
  element.addEventListener('pointermove', (event) => {
    if (!down.has(event.pointerId)) return
    down.set(event.pointerId, xOf(event, element))
    const [one, other] = [...down.values()]
    if (held && one !== undefined && other !== undefined) pinch(one, other)
    else if (start !== null) picture.brush([start, xOf(event, element)])
  })
  for (const over of ['pointerup', 'pointercancel'] as const)
    element.addEventListener(over, (event) => {
      const x = xOf(event, element)
      if (start !== null && over === 'pointerup' && Math.abs(x - start) > 6) {
        const ends = [valueAt(start), valueAt(x)].sort((a, b) => a - b) as [number, number]
        zoom.set(...ends)
      } else if (down.size === 1 && !held && over === 'pointerup') picture.click?.(x, yOf(event, element))
      down.delete(event.pointerId)
      if (down.size === 0) held = null
      start = null
      picture.brush(null)
    })

  /** What was under each finger stays there. */
  function pinch(one: number, other: number): void {
    const { left, right } = picture.inner()
    const [a, b] = held as [number, number]
    if (Math.abs(one - other) < 8) return
    const perPixel = (b - a) / (other - one)
    if (perPixel <= 0) return
    const from = a - (one - left) * perPixel
    zoom.set(from, from + (right - left) * perPixel)
  }
}
