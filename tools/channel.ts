/**
 * channel - what a VM must be told to have a port to its host.
 *
 * Prints the libvirt device, QEMU's options and a check for the guest, for a virtio-serial port whose end on
 * the host is a TCP or a unix socket. It changes nothing: what it prints is given to virsh, to QEMU or to
 * a shell in the guest.
 *
 * What can mislead: a socket serves one reader at a time; a second one connects and receives nothing. Whoever
 * can connect to the socket reads the guest's events: a TCP port is on loopback unless another address is asked for.
 */

import { address, guestCheck, libvirtXml, type Port, parseEnd, parseName, qemuOptions } from '../lib/channel/port.js'
import { action } from '../lib/cli/action.js'
import { type Spec, Usage } from '../lib/cli/tool.js'

const spec = {
  name: 'channel',
  summary: 'what a VM must be told to have a port to its host',
  operands: '[address]',
  own: 1,
  options: {
    name: {
      alias: 'n',
      type: 'string',
      default: 'org.vmpipe.0',
      coerce: parseName,
      describe: 'what the port is called in the guest, in /dev/virtio-ports',
    },
    xml: { type: 'boolean', default: false, describe: 'only the libvirt device' },
    qemu: { type: 'boolean', default: false, describe: "only QEMU's options" },
    guest: { type: 'boolean', default: false, describe: 'only the check, a script for the guest' },
  },
  examples: [
    'channel tcp:9900',
    'virsh attach-device vm1 <(channel --xml unix:/run/vm1.sock) --live',
    'qemu-system-x86_64 ... $(channel --qemu tcp:9900)',
    'ssh guest sh < <(channel --guest)',
  ],
} as const satisfies Spec

export default action(spec, async ({ name, xml, qemu, guest }, { operands, rest, print }) => {
  const [end = 'tcp:9900', ...more] = [...operands, ...rest]
  if (more.length > 0) throw new Usage(`one address, and ${more.length + 1} are given`)
  if (Number(xml) + Number(qemu) + Number(guest) > 1) throw new Usage('one of --xml, --qemu and --guest')
  const port: Port = { name, end: endOf(end) }
  if (xml) print(`${libvirtXml(port)}\n`)
  else if (qemu) print(`${qemuOptions(port).join('\n')}\n`)
  else if (guest) print(`${guestCheck(port)}\n`)
  else print(`${all(port, end)}\n`)
  return 0
})

function endOf(text: string): Port['end'] {
  try {
    return parseEnd(text)
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

function all(port: Port, end: string): string {
  const same = `${end}${port.name === 'org.vmpipe.0' ? '' : ` --name ${port.name}`}`
  return `# libvirt: virsh attach-device VM <(channel --xml ${same}) --live
# (a running VM that has no port yet is given <controller type='virtio-serial'/> first, in the same way)
${libvirtXml(port)}

# QEMU: qemu-system-x86_64 ... $(channel --qemu ${same})
${qemuOptions(port).join('\n')}

# in the guest: channel --guest ${same} prints a script that checks all of this
#   the driver is loaded        /sys/module/virtio_console
#   the port is there           cat /sys/class/virtio-ports/*/name
#   udev has made the link      ls -l /dev/virtio-ports/${port.name}
#   nobody else has it open     fuser /dev/virtio-ports/${port.name}
# on the host: pull ${address(port)}`
}
