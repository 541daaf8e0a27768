/** What ends a transport, in one line: `/dev/virtio-ports/p: busy: somebody else has it open`. */
import { systemMessage } from '../wire/system-message.js'

export class TransportError extends Error {}

/** What the system says of a target; anything else is thrown on as it is. */
export function transportError(name: string, error: unknown): Error {
  if (!(error as NodeJS.ErrnoException).code) return error as Error
  return new TransportError(`${name}: ${systemMessage(error)}`)
}
