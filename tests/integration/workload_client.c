/* SPDX-License-Identifier: MIT */
#include "tests/integration/workload.h"

#include <contig.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/channel.h"
#include "util/fd.h"

/*
 * The clients' side.  Each 64-bit word of a buffer is a function of who wrote
 * it, which writing it was, and its place, so a word of somebody else's, one of
 * an earlier time and one from another place are all told apart.  A buffer is
 * zero when it comes and says the same ever after; once it was passed on
 * nobody writes to it again, for then two look at it.
 *
 * The end of the daemon shows in one way only: calls that it cuts return
 * -ECONNRESET.  Whatever else goes wrong is a fault, told to the test, and ends
 * the client.
 */

#define GRANULE	     4096
#define MAX_GRANULES 6
#define PASS_LIMIT   (WORKLOAD_BUFFERS / 3) /* keep room for own ones */

struct holding {
	struct contig_buffer *buffer; /* NULL: free */
	const uint64_t *words;
	uint64_t *writable; /* NULL: passed on, or somebody else's */
	uint64_t pattern;
	uint64_t id;
};

struct client {
	struct workload *workload;
	struct workload_desk *desk;
	struct workload_desk *neighbour;
	struct contig *contig;
	uint64_t random;
	uint64_t generation;
	struct holding holdings[WORKLOAD_BUFFERS];
	int n_pending; /* callbacks to come */
};

/* What goes along with a descriptor. */
struct parcel {
	uint64_t id;
	uint64_t size_bytes;
	uint64_t pattern;
	uint32_t owner_uid;
	uint32_t zero; /* no padding is sent */
};

static void fault(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static void fault(struct client *client, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(client->desk->fault, sizeof(client->desk->fault),
			format, args);
	va_end(args);
	_exit(1);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint32_t draw(struct client *client, uint32_t below)
{
	client->random = mix(client->random);
	return (uint32_t)(client->random >> 32) % below;
}

/* ---- patterns ------------------------------------------------------------- */

static size_t count_words(const struct holding *holding)
{
	return (size_t)contig_size(holding->buffer) / sizeof(uint64_t);
}

static void write_pattern(struct client *client, struct holding *holding)
{
	holding->pattern =
		mix(((uint64_t)getpid() << 32) + client->generation++);
	for (size_t i = 0; i < count_words(holding); i++)
		holding->writable[i] = holding->pattern + i;
}

static void check_pattern(struct client *client, const struct holding *holding)
{
	for (size_t i = 0; i < count_words(holding); i++)
		if (holding->words[i] != holding->pattern + i)
			fault(client,
			      "buffer %" PRIu64 ", word %zu of %zu: 0x%" PRIx64
			      " instead of 0x%" PRIx64,
			      holding->id, i, count_words(holding),
			      holding->words[i], holding->pattern + i);
}

static void check_zero(struct client *client, const struct holding *holding)
{
	for (size_t i = 0; i < count_words(holding); i++)
		if (holding->words[i] != 0)
			fault(client,
			      "new buffer %" PRIu64 ", word %zu: 0x%" PRIx64
			      " instead of 0",
			      holding->id, i, holding->words[i]);
}

/* ---- what is held --------------------------------------------------------- */

static struct holding *find_room(struct client *client)
{
	for (int i = 0; i < WORKLOAD_BUFFERS; i++)
		if (!client->holdings[i].buffer)
			return &client->holdings[i];
	return NULL;
}

static int count_room(const struct client *client)
{
	int n = 0;

	for (int i = 0; i < WORKLOAD_BUFFERS; i++)
		n += !client->holdings[i].buffer;
	return n;
}

/* One that is held, or NULL. */
static struct holding *pick(struct client *client)
{
	struct holding *holding =
		&client->holdings[draw(client, WORKLOAD_BUFFERS)];

	return holding->buffer ? holding : NULL;
}

static void claim(struct client *client, const struct holding *holding,
		  uint32_t owner_uid)
{
	struct workload_claim *claim =
		&client->desk->claims[holding - client->holdings];

	atomic_store(&claim->size_bytes, contig_size(holding->buffer));
	atomic_store(&claim->owner_uid, owner_uid);
	atomic_store(&claim->id, holding->id);
}

static void let_go(struct client *client, struct holding *holding)
{
	check_pattern(client, holding);
	atomic_store(&client->desk->claims[holding - client->holdings].id, 0);
	holding->buffer = contig_release(holding->buffer);
}

/* A new buffer: it is zero, and mine. */
static void take(struct client *client, struct contig_buffer *buffer)
{
	struct holding *holding = find_room(client);
	struct contig_buffer_info info;
	void *map;

	contig_info(buffer, &info);
	if (contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map) != 0)
		fault(client, "buffer %" PRIu64 " cannot be mapped", info.id);
	if (!holding || info.owner_uid != client->desk->uid)
		fault(client, "buffer %" PRIu64 " is not mine", info.id);
	*holding = (struct holding){
		.buffer = buffer,
		.words = map,
		.writable = map,
		.id = info.id,
	};
	check_zero(client, holding);
	write_pattern(client, holding);
	claim(client, holding, info.owner_uid);
	atomic_fetch_add(&client->desk->allocations, 1);
}

/* ---- the steps ------------------------------------------------------------ */

/* Whether a call has succeeded; that it was cut, or memory is short, may be. */
static bool succeeded(struct client *client, const char *what, int r,
		      const struct contig_failure *failure)
{
	if (r == 0)
		return true;
	if (r == -ECONNRESET)
		atomic_fetch_add(&client->desk->resets, 1);
	else if (r == -ENOMEM && failure && failure->reason != CONTIG_REASON_NONE)
		atomic_fetch_add(&client->desk->refusals, 1);
	else
		fault(client, "%s: %s (%s)", what, strerror(-r),
		      failure ? failure->text : "");
	return false;
}

static void prepare(struct client *client, struct contig_request *request)
{
	request->size_bytes = 1 + draw(client, MAX_GRANULES * GRANULE);
	request->name = "workload";
	if (draw(client, 4) == 0)
		request->align_bytes = 4 * GRANULE;
}

static void allocate(struct client *client)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[3];
	struct contig_failure failure;
	size_t n = 1 + draw(client, 3);

	if (count_room(client) < (int)n)
		return;
	prepare(client, &request);
	if (!succeeded(client, "allocation",
		       contig_alloc_many(client->contig, &request, n, buffers,
					 &failure),
		       &failure))
		return;
	while (n > 0)
		take(client, buffers[--n]);
}

static void on_allocated(void *data, int result,
			 struct contig_buffer *const *buffers, size_t count,
			 const struct contig_failure *failure)
{
	struct client *client = data;

	client->n_pending--;
	if (succeeded(client, "started allocation", result, failure))
		while (count > 0)
			take(client, buffers[--count]);
}

/* Several at once, without waiting for one before the next is sent. */
static void start_allocations(struct client *client)
{
	struct pollfd pollfd = {.fd = contig_poll_fd(client->contig),
				.events = POLLIN};

	for (int i = 0; i < 3 && count_room(client) > 2 * client->n_pending + 2;
	     i++) {
		struct contig_request request = CONTIG_REQUEST_INIT;

		prepare(client, &request);
		if (succeeded(client, "starting an allocation",
			      contig_alloc_start(client->contig, &request, 2,
						 on_allocated, client),
			      NULL))
			client->n_pending++;
	}
	while (client->n_pending > 0) {
		(void)poll(&pollfd, 1, -1);
		(void)contig_dispatch(client->contig);
	}
}

static void release(struct client *client)
{
	struct holding *holding = pick(client);

	if (holding)
		let_go(client, holding);
}

static void rewrite(struct client *client)
{
	struct holding *holding = pick(client);

	if (!holding)
		return;
	check_pattern(client, holding);
	if (holding->writable &&
	    succeeded(client, "CPU access",
		      contig_begin_cpu(holding->buffer, CONTIG_WRITE), NULL)) {
		write_pattern(client, holding);
		(void)succeeded(client, "end of CPU access",
				contig_end_cpu(holding->buffer, CONTIG_WRITE),
				NULL);
	}
}

/* To the neighbour, as far as its queue has room. */
static void pass_on(struct client *client)
{
	struct holding *holding = pick(client);
	struct contig_buffer_info info;
	struct parcel parcel;
	int fd;

	if (!holding)
		return;
	contig_info(holding->buffer, &info);
	fd = contig_fd(holding->buffer);
	parcel = (struct parcel){
		.id = holding->id,
		.size_bytes = info.size_bytes,
		.pattern = holding->pattern,
		.owner_uid = info.owner_uid,
	};
	holding->writable = NULL;
	(void)channel_send(client->neighbour->passing[1], &parcel,
			   sizeof(parcel), &fd, 1);
}

static void check_description(struct client *client,
			      const struct contig_buffer_info *info,
			      const struct parcel *parcel)
{
	if (info->id != parcel->id || info->size_bytes != parcel->size_bytes ||
	    info->owner_uid != parcel->owner_uid)
		fault(client,
		      "buffer %" PRIu64 " of uid %u was passed on, the daemon "
		      "says it is %" PRIu64 " of uid %u",
		      parcel->id, parcel->owner_uid, info->id, info->owner_uid);
}

static void import(struct client *client, const struct parcel *parcel, int fd)
{
	struct holding *holding = find_room(client);
	struct contig_buffer_info info;
	void *map;

	if (!succeeded(client, "description",
		       contig_describe(client->contig, fd, &info), NULL))
		return;
	check_description(client, &info, parcel);
	if (!succeeded(client, "import",
		       contig_import(client->contig, fd, &holding->buffer), NULL))
		return;
	if (contig_map(holding->buffer, CONTIG_READ, &map) != 0)
		fault(client, "buffer %" PRIu64 " cannot be mapped", parcel->id);
	holding->words = map;
	holding->writable = NULL;
	holding->pattern = parcel->pattern;
	holding->id = parcel->id;
	check_pattern(client, holding);
	claim(client, holding, parcel->owner_uid);
	atomic_fetch_add(&client->desk->passed, 1);
}

static void take_in(struct client *client)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	struct parcel parcel;
	size_t size;

	if (count_room(client) <= PASS_LIMIT ||
	    channel_receive_fds(client->desk->passing[0], &parcel,
				sizeof(parcel), &size, &fds) != 0)
		return;
	if (size == sizeof(parcel) && fds.count == 1)
		import(client, &parcel, fds.fds[0]);
	channel_fds_close(&fds);
}

/* Each of my own buffers is on my list. */
static void list(struct client *client)
{
	struct contig_buffer_info *array;
	size_t count;

	if (!succeeded(client, "list",
		       contig_list_buffers(client->contig, &array, &count), NULL))
		return;
	for (int i = 0; i < WORKLOAD_BUFFERS; i++) {
		const struct holding *holding = &client->holdings[i];
		struct contig_buffer_info info;
		bool listed = false;

		if (!holding->buffer)
			continue;
		contig_info(holding->buffer, &info);
		for (size_t j = 0; j < count; j++)
			listed |= array[j].id == info.id;
		if (!listed && info.owner_uid == client->desk->uid)
			fault(client, "buffer %" PRIu64 " is not on my list",
			      info.id);
	}
	free(array);
}

/* More going than coming: the region is to be full, but not stuck. */
static void (*const steps[])(struct client *client) = {
	allocate, allocate, start_allocations, release, release,
	release,  release,  rewrite,	       rewrite, pass_on,
	pass_on,  take_in,  take_in,	       list,
};
#define N_STEPS ((uint32_t)(sizeof(steps) / sizeof(steps[0])))

static void wait_paused(struct client *client)
{
	(void)sem_post(&client->workload->paused);
	while (sem_wait(&client->desk->resume) != 0)
		;
}

static void connect_first(struct client *client)
{
	int r;

	while ((r = contig_open(&client->contig, client->workload->socket)) != 0)
		(void)succeeded(client, "connection", r, NULL);
}

void workload_run(struct workload *workload, struct workload_desk *desk)
{
	size_t number = (size_t)(desk - workload->desks);
	struct client client = {
		.workload = workload,
		.desk = desk,
		.neighbour = &workload->desks[(number + 1) % WORKLOAD_CLIENTS],
		.random = workload->seed + number,
	};

	connect_first(&client);
	while (!atomic_load(&workload->ending)) {
		if (atomic_load(&workload->pausing))
			wait_paused(&client);
		steps[draw(&client, N_STEPS)](&client);
		atomic_fetch_add(&desk->steps, 1);
	}
	for (int i = 0; i < WORKLOAD_BUFFERS; i++)
		if (client.holdings[i].buffer)
			let_go(&client, &client.holdings[i]);
	(void)contig_close(client.contig);
	_exit(0);
}
