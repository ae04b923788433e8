# SPDX-License-Identifier: MIT
"""The list of proofs, in the order in which they run, and how one gets onto it.
"""

from setting import Skip

PROOFS = []


def proof(claim):
    def add(function):
        PROOFS.append((claim, function))
        return function
    return add


def need_udmabuf(setting):
    if setting.udmabuf_corrupts():
        raise Skip("udmabuf over huge pages is broken in kernel %s"
                   % setting.series)
