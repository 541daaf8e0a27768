#!/usr/bin/env bash
# The main job, on a recorded KVM host and its guest (data/README.md): how long did the guest wait for its
# interrupts, which waited longest, and what did the two machines do meanwhile? examples/irq-latency.md explains.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PWD/../dist/bin:$PATH
both=$(mktemp)
trap 'rm -f "$both"' EXIT

# Two recordings, each in its own machine's cycles, on one timeline: the guest's, in ns.
host() {
  parse -q --src host data/irq-host.txt.gz | where -q 'event != "irq_handler_entry"' |
    tsc-align -q --tsc-offset -530607982635 --tsc-khz 2445430
}
guest() { parse -q --src guest data/irq-guest.txt.gz | tsc-align -q --tsc-khz 2445430; }

# The host injects an MSI to a vCPU with a vector; the guest handles an interrupt by name. One key for both.
msi='dst == 0 ? (vec == 36 ? "virtio0-output.0" : vec == 38 ? "virtio1-req.0" : "virtio0-input.0")
              : (vec == 37 ? "virtio0-input.1"  : vec == 38 ? "virtio1-req.1" : vec == 40 ? "virtio2-virtqueues" : "virtio0-output.1")'
order -q <(host) <(guest) | key-map -q -k "kvm_msi_set_irq=$msi" -k irq_handler_entry=name >"$both"

echo 'From the host injecting an interrupt to the guest handling it:'
echo
pair -q kvm_msi_set_irq irq_handler_entry -- "$both" | histo --keys --unit ms
echo
echo 'The slowest:'
echo
pair -q kvm_msi_set_irq irq_handler_entry --than 10ms -- "$both" | show -q
echo
echo 'virtio0-input.0 on vCPU 0: both machines around it, in us from the injection (G: seen by the guest):'
echo
where -q 'ts >= 39143000000 && ts <= 39167900000 &&
  (src == "guest" ? cpu == 0 && event ~ "irq_handler_*"
                  : cpu == 0 && event == "sched_switch" || event == "kvm_msi_set_irq" && dst == 0
                    || event == "kvm_entry" && vcpu_id == 0)' "$both" |
  show -q --zero 39144357955
