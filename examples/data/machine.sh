# A machine's files in a folder, for `--root`: a virtio network card with two MSIs, and a line interrupt.
machine() {
  local root pci
  root=$(mktemp -d) && trap "rm -r $root" EXIT
  pci=$root/sys/bus/pci/devices/0000:04:00.0
  mkdir -p $pci/msi_irqs $pci/virtio2/net/eth1 $root/sys/bus/{pci/drivers/virtio-pci,virtio/drivers/virtio_net}
  touch $pci/msi_irqs/{56,57}
  ln -s ../../drivers/virtio-pci $pci/driver
  ln -s ../../../../virtio/drivers/virtio_net $pci/virtio2/driver
  mkdir -p $root/sys/bus/pci/devices/0000:00:1f.2 $root/sys/devices/system/cpu
  echo 9 >$root/sys/bus/pci/devices/0000:00:1f.2/irq
  echo 0-3 >$root/sys/devices/system/cpu/online
  mkdir -p $root/sys/kernel/debug/irq/irqs
  printf 'handler:  handle_edge_irq\ndomain:  VECTOR\n Vector:    36\n Target:     1\n move_in_progress: 0\n' >$root/sys/kernel/debug/irq/irqs/57
  for irq in 9 56 57; do
    mkdir -p $root/proc/irq/$irq
    echo 0-3 >$root/proc/irq/$irq/smp_affinity_list
    echo 1 >$root/proc/irq/$irq/effective_affinity_list
  done
  printf 'processor\t: 0\napicid\t\t: 0\n\nprocessor\t: 1\napicid\t\t: 2\n' >$root/proc/cpuinfo
  cat >$root/proc/interrupts <<END
           CPU0       CPU1       CPU2       CPU3
  9:          4          0          0          0   IO-APIC   9-fasteoi   ahci
 56:          0          0          0          0   PCI-MSI 2097152-edge      virtio2-config
 57:          0        186          0          0   PCI-MSI 2097153-edge      virtio2-input.0
END
  ROOT=$root
}
