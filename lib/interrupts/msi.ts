/**
 * Which PCI device an MSI is of, from what its interrupt controller is called and numbers it.
 *
 * Until Linux 6.2 all devices of a controller are in one domain (`PCI-MSI`, `ITS-MSI`), and the number is made of
 * the device's place (drivers/pci/msi/irqdomain.c, pci_msi_domain_calc_hwirq):
 *
 *     hwirq = index | (bus << 8 | devfn) << 11 | domain << 27
 *
 * 2097153 is 0x200001: index 1, bus 4, devfn 0, so 0000:04:00.0. Later each device has a domain of its own, with the
 * device in its name (`PCI-MSIX-0000:00:02.0`), and the number is the index alone.
 */

export interface Msi {
  /** `0000:04:00.0`, as sysfs spells it. */
  device: string
  /** Which of the device's messages: its row in the MSI-X table. */
  index: number
}

const named = /PCI-MSIX?-([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/
const shared = /^(?:(?:\S+-)?PCI-MSIX?|ITS-MSI)$/

export function msiOf(chip: string | undefined, hwirq: bigint | undefined): Msi | undefined {
  if (chip === undefined || hwirq === undefined) return undefined
  const device = named.exec(chip)?.[1]
  if (device) return { device, index: Number(hwirq) }
  if (!shared.test(chip)) return undefined
  const place = Number((hwirq >> 11n) & 0xffffn)
  const domain = hwirq >> 27n
  return { device: address(domain, place >> 8, place & 0xff), index: Number(hwirq & 0x7ffn) }
}

function address(domain: bigint, bus: number, devfn: number): string {
  const hex = (n: number | bigint, digits: number) => n.toString(16).padStart(digits, '0')
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(devfn >> 3, 2)}.${devfn & 7}`
}
