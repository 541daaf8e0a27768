/** What the system says of a file, a device or a connection, as people know it. */
export function systemMessage(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'is a directory',
    EACCES: 'permission denied',
    ENOSPC: 'no space left on the device',
    EIO: 'input/output error',
    ENXIO: 'no such device',
    EBUSY: 'busy: somebody else has it open',
    ENODEV: 'the device is gone',
    EPIPE: 'nobody reads it any more',
    EMFILE: 'too many open files',
    EADDRINUSE: 'in use: somebody listens there already',
    EADDRNOTAVAIL: 'no address of this machine',
    ECONNREFUSED: 'nobody listens there',
    ECONNRESET: 'the other side cut the connection',
    EHOSTUNREACH: 'no way to that host',
    ENETUNREACH: 'no way to that network',
    ETIMEDOUT: 'no answer',
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'no such host, or no name service',
    Z_DATA_ERROR: 'not sound gzip data',
    Z_BUF_ERROR: 'the gzip data ends too early',
  }
  return (code && known[code]) ?? message
}
