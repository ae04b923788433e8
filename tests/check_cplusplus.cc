/* SPDX-License-Identifier: MIT */
#include "contig.h"

#include <cerrno>
#include <cstdio>

/*
 * contig.h is C that a C++ compiler takes without a warning, and the library
 * links from there.  Compiled with the strictest common dialect, C++11.
 */

namespace {

void started(void *data, int result, struct contig_buffer *const *buffers,
	     size_t count, const struct contig_failure *failure)
{
	(void)result;
	(void)buffers;
	(void)count;
	(void)failure;
	++*static_cast<int *>(data);
}

bool check(bool good, const char *what)
{
	if (!good)
		std::fprintf(stderr, "%s\n", what);
	return good;
}

} // namespace

int main()
{
	contig_request request = CONTIG_REQUEST_INIT;
	contig_alloc_fn *callback = started;
	contig *connection = nullptr;
	bool good = true;
	int calls = 0;

	request.size_bytes = 4096;
	request.require = CONTIG_CONTIGUOUS | CONTIG_DMA_BUF;
	callback(&calls, 0, nullptr, 0, nullptr);
	good &= check(calls == 1, "a callback is a C++ function");
	good &= check(request.struct_bytes == sizeof(request),
		      "CONTIG_REQUEST_INIT initialises");
	good &= check(request.region == nullptr && request.name == nullptr,
		      "CONTIG_REQUEST_INIT names nothing");
	good &= check(contig_open(&connection, "/nonexistent/socket") ==
			      -ENOENT,
		      "the library links and answers");
	good &= check(contig_close(connection) == nullptr,
		      "closing nothing returns nothing");
	good &= check(contig_release(nullptr) == nullptr,
		      "releasing nothing returns nothing");
	return good ? 0 : 1;
}
