# SPDX-License-Identifier: MIT
"""What is proven last, because it is about all that was before."""

from register import proof
from setting import ProofError, demand


@proof("the kernel has nothing to complain about")
def kernel_quiet(setting):
    bad = [line for line in setting.machine.kernel_log().splitlines()
           if any(word in line for word in ("WARNING:", "BUG:", "Oops",
                                            "Call trace", "SError",
                                            "alignment fault"))]
    demand(not bad, "; ".join(bad[:3]))
    return "no warning, oops or fault in its log"


@proof("contigd ends cleanly on SIGTERM")
def end(setting):
    setting.settle()
    status = setting.stop_daemon()
    demand(status == 0, "its exit status is %d" % status)
    log = setting.daemon_log()
    if "ERROR:" in log:
        raise ProofError("its log has a sanitizer's report")
    return "exit status 0"
