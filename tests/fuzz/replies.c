/* SPDX-License-Identifier: MIT */
#include "contig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/liar.h"
#include "util/cleanup.h"

/*
 * What a daemon can answer, against libcontig as programs use it: over its own
 * socket, with descriptors, through every call.  The first part of an input
 * says which calls are made, the rest what the other side answers (liar.c).
 *
 * Whatever that was, a call must return, a failure must explain itself, what
 * was got must be usable and complete, and in the end no descriptor may be
 * left.
 */

const char fuzz_target[] = "replies";

#define N_SLOTS	       8
#define MAX_OPERATIONS 48
#define COUNT(table)   (sizeof(table) / sizeof((table)[0]))
#define PICK(table, n) ((table)[(n) % COUNT(table)])

static const uint64_t sizes[] = {1, 4096, 100000, UINT64_C(1) << 63, 0};
static const char *const regions[] = {NULL, "camera", "video", "none", "\n"};

struct caller {
	struct input *input;
	struct contig *contig; /* NULL where it could not be opened */
	struct contig_buffer *buffers[N_SLOTS];
	int other_fd; /* of somebody else's, to describe and to import */
	unsigned int started;
};

static void check_text(const char *text, size_t room)
{
	fuzz_assert(strnlen(text, room) < room);
	fuzz_assert_printable(text);
}

static void check_info(const struct contig_buffer_info *info)
{
	fuzz_assert(info->size_bytes > 0);
	fuzz_assert(info->has_phys || info->phys == 0);
	check_text(info->region, sizeof(info->region));
	check_text(info->name, sizeof(info->name));
}

static void check_buffer(struct contig_buffer *buffer)
{
	struct contig_buffer_info info;
	uint64_t phys;

	fuzz_assert(fcntl(contig_fd(buffer), F_GETFD) == FD_CLOEXEC);
	contig_info(buffer, &info);
	check_info(&info);
	fuzz_assert(contig_size(buffer) == info.size_bytes);
	if (contig_phys(buffer, &phys) == 0)
		fuzz_assert(info.has_phys && phys == info.phys);
}

static void check_failure(int r, const struct contig_failure *failure)
{
	if (r == 0)
		return;
	fuzz_assert(r < 0 && failure->error == r);
	check_text(failure->text, sizeof(failure->text));
}

static void keep(struct caller *caller, struct contig_buffer *buffer)
{
	size_t slot = input_u8(caller->input) % N_SLOTS;

	check_buffer(buffer);
	(void)contig_release(caller->buffers[slot]);
	caller->buffers[slot] = buffer;
}

static void take_request(struct input *input, struct contig_request *request)
{
	request->size_bytes = PICK(sizes, input_u8(input));
	request->region = PICK(regions, input_u8(input));
	request->require = input_u8(input) & 0x3f;
}

static void do_alloc(struct caller *caller)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	int r;

	take_request(caller->input, &request);
	r = contig_alloc(caller->contig, &request, &buffer, &failure);
	check_failure(r, &failure);
	if (r == 0)
		keep(caller, buffer);
}

static void do_alloc_many(struct caller *caller)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[80];
	struct contig_failure failure;
	size_t count = input_u8(caller->input) % (COUNT(buffers) + 1);
	int r;

	request.size_bytes = 4096;
	request.name = "many";
	r = contig_alloc_many(caller->contig, &request, count, buffers,
			      &failure);
	check_failure(r, &failure);
	for (size_t i = 0; r == 0 && i < count; i++) {
		check_buffer(buffers[i]);
		(void)contig_release(buffers[i]);
	}
}

static void on_allocated(void *data, int result,
			 struct contig_buffer *const *buffers, size_t count,
			 const struct contig_failure *failure)
{
	struct caller *caller = data;

	fuzz_assert(caller->started > 0);
	caller->started--;
	if (result < 0) {
		check_failure(result, failure);
		return;
	}
	fuzz_assert(count > 0);
	for (size_t i = 0; i < count; i++) {
		check_buffer(buffers[i]);
		(void)contig_release(buffers[i]);
	}
}

static void do_start(struct caller *caller)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	size_t count = 1 + input_u8(caller->input) % 3;

	request.size_bytes = 4096;
	request.name = LIAR_LATER;
	if (contig_alloc_start(caller->contig, &request, count, on_allocated,
			       caller) == 0)
		caller->started++;
}

static void do_lists(struct caller *caller)
{
	struct contig_backend_info *backends = NULL;
	struct contig_region_info *regions_found = NULL;
	struct contig_client_info *clients = NULL;
	struct contig_buffer_info *buffers = NULL;
	size_t n = 0;

	switch (input_u8(caller->input) % 4) {
	case 0:
		(void)contig_list_backends(caller->contig, &backends, &n);
		for (size_t i = 0; i < n; i++) {
			check_text(backends[i].name, sizeof(backends[i].name));
			check_text(backends[i].text, sizeof(backends[i].text));
		}
		break;
	case 1:
		(void)contig_list_regions(caller->contig, &regions_found, &n);
		for (size_t i = 0; i < n; i++)
			check_text(regions_found[i].name,
				   sizeof(regions_found[i].name));
		break;
	case 2:
		(void)contig_list_clients(caller->contig, &clients, &n);
		fuzz_assert(!n == !clients);
		break;
	default:
		(void)contig_list_buffers(caller->contig, &buffers, &n);
		for (size_t i = 0; i < n; i++)
			check_info(&buffers[i]);
		break;
	}
	free(backends);
	free(regions_found);
	free(clients);
	free(buffers);
}

static void do_status(struct caller *caller)
{
	struct contig_status status;

	if (contig_get_status(caller->contig, &status) == 0)
		check_text(status.version, sizeof(status.version));
}

static void do_occupancy(struct caller *caller)
{
	static struct contig_cell cells[600];
	size_t wanted = input_u16(caller->input) % (COUNT(cells) + 1);
	size_t count = wanted;

	if (contig_occupancy(caller->contig, "camera", cells, &count, NULL) == 0)
		fuzz_assert(count > 0 && count <= wanted);
}

static void do_check(struct caller *caller)
{
	struct contig_check_result result;
	struct contig_damage *damages;
	size_t n;

	if (contig_check(caller->contig, NULL, &result, &damages, &n) < 0)
		return;
	fuzz_assert(n == result.damaged && n <= result.checked);
	for (size_t i = 0; i < n; i++) {
		fuzz_assert(damages[i].differing_bytes > 0);
		check_text(damages[i].name, sizeof(damages[i].name));
		check_text(damages[i].neighbour_name,
			   sizeof(damages[i].neighbour_name));
	}
	free(damages);
}

static int pick_fd(struct caller *caller)
{
	struct contig_buffer *buffer =
		caller->buffers[input_u8(caller->input) % N_SLOTS];

	return buffer ? contig_fd(buffer) : caller->other_fd;
}

static void do_describe(struct caller *caller)
{
	struct contig_buffer_info info;

	if (contig_describe(caller->contig, pick_fd(caller), &info) == 0)
		check_info(&info);
}

static void do_import(struct caller *caller)
{
	struct contig_buffer *buffer;

	if (contig_import(caller->contig, pick_fd(caller), &buffer) == 0)
		keep(caller, buffer);
}

/* Mapped and bracketed; not touched: the other side's descriptor may be
 * shorter than it says, and no library can help that. */
static void do_access(struct caller *caller)
{
	struct contig_buffer *buffer =
		caller->buffers[input_u8(caller->input) % N_SLOTS];
	uint8_t how = input_u8(caller->input);
	void *address;

	if (!buffer)
		return;
	if (how & 0x10)
		(void)contig_map(buffer, how & 3, &address);
	if (how & 0x20)
		contig_unmap(buffer);
	if (how & 0x40)
		(void)contig_begin_cpu(buffer, how & 3);
	if (how & 0x80)
		(void)contig_end_cpu_range(buffer, how & 3, how,
					   contig_size(buffer) / 2);
}

static void do_release(struct caller *caller)
{
	size_t slot = input_u8(caller->input) % N_SLOTS;

	caller->buffers[slot] = contig_release(caller->buffers[slot]);
}

/* The buffers stay, and may outlive the connection that they came from. */
static void do_reopen(struct caller *caller)
{
	caller->contig = contig_close(caller->contig);
	caller->started = 0;
	if (contig_open(&caller->contig, liar_path()) < 0)
		caller->contig = NULL;
}

static void operate(struct caller *caller)
{
	static void (*const operations[])(struct caller * caller) = {
		do_alloc,  do_alloc_many, do_start,    do_lists,
		do_status, do_occupancy,  do_describe, do_import,
		do_access, do_release,	  do_reopen,   do_check,
	};
	uint8_t which = input_u8(caller->input);

	if (!caller->contig)
		do_reopen(caller);
	if (!caller->contig)
		return;
	if (which & 0x80)
		(void)contig_dispatch(caller->contig);
	PICK(operations, which & 0x7f)(caller);
}

static void call(struct caller *caller)
{
	for (int i = 0; i < MAX_OPERATIONS && !input_is_empty(caller->input);
	     i++)
		operate(caller);
	if (caller->contig)
		(void)contig_dispatch(caller->contig);
	caller->contig = contig_close(caller->contig);
	for (size_t i = 0; i < N_SLOTS; i++)
		caller->buffers[i] = contig_release(caller->buffers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct input calls = input_part(&input, input_u8(&input));
	struct caller caller = {.input = &calls};
	int open_before;

	(void)liar_path();
	open_before = fd_count_open();
	liar_instruct(&input);
	caller.other_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	call(&caller);
	(void)fd_close(caller.other_fd);
	liar_wait_idle();
	fuzz_assert(fd_count_open() == open_before);
	return 0;
}
