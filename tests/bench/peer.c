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

bool peer_alloc_row(const struct peer *peer, void *state, uint64_t count,
		    uint64_t size, uint64_t *starts)
{
	uint64_t n = 0;

	if (peer->alloc_row)
		n = peer->alloc_row(state, count, size, starts);
	else
		while (n < count &&
		       (starts[n] = peer->alloc(state, size, 1)) != PEER_NONE)
			n++;
	if (n == count)
		return true;
	while (n-- > 0)
		peer->free(state, starts[n], size);
	return false;
}
