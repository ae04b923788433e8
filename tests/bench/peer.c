/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

/*
 * The table of those that are compared.  A new one is a file of its own and a
 * line here; check_peers and the benchmarks go through the table.
 */

const struct peer *const peers[] = {
	&peer_contigd, &peer_first_fit, &peer_next_fit,
	&peer_summary, &peer_tlsf,
};

const size_t n_peers = sizeof(peers) / sizeof(*peers);
