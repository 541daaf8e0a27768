/** What a malicious guest can send over its port, by name. */
import { breakage } from './breakage.js'
import { lies } from './lies.js'
import { masses } from './masses.js'
import type { Attack } from './pieces.js'

export const attacks: Record<string, Attack> = { ...breakage, ...lies, ...masses }
