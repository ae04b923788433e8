/* SPDX-License-Identifier: MIT */
#include "daemon/deed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/description.h"
#include "daemon/roll.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/input.h"
#include "util/cleanup.h"

/*
 * Memory that an earlier process left: the deed of a region, with the parcel
 * that opens it, and the roll of what was prepared.  Each is written by the
 * daemon's own functions of what the input describes, and then damaged; or it
 * is the input as it stands.
 *
 * What is accepted must make sense, may fail to open, and what opens must be a
 * memory: pieces in order, without overlap, and nothing beyond the end of all
 * addresses.
 */

const char fuzz_target[] = "deeds";

#define PICK(table, n) ((table)[(n) % (sizeof(table) / sizeof((table)[0]))])
#define POOL_BYTES     (UINT64_C(64) << 10)
#define MOST_IN_FRONT  64

static const char *const backend_names[] = {"simulated", "devmem", "udmabuf"};
static const char *const kinds[] = {PARCEL_DEVICE, "pool", "pin"};
static const uint64_t numbers[] = {
	0,
	1,
	4096,
	8192,
	65536,
	2 << 20,
	UINT64_C(1) << 32,
	UINT64_MAX - 4095,
	UINT64_MAX,
};

static uint64_t take_number(struct input *input)
{
	uint8_t which = input_u8(input);

	return which & 0x80 ? input_u64(input) : PICK(numbers, which);
}

static struct tract *take_tract(struct input *input)
{
	const struct tract_description description = {
		.id = 1 + input_u8(input),
		.name = "camera",
		.backend = PICK(backend_names, input_u8(input)),
		.memory.base = take_number(input),
		.memory.size_bytes = take_number(input),
		.memory.granule_bytes = UINT64_C(4096) << input_u8(input) % 6,
		.memory.page_bytes = UINT64_C(4096) << input_u8(input) % 11,
		.memory.guard_bytes = take_number(input),
	};
	struct tract *tract;

	fuzz_assert(tract_new(&tract, &description, NULL) == 0);
	return tract;
}

static void take_words(struct input *input, struct parcel *parcel)
{
	parcel->n_words = input_u8(input) % 40;
	parcel->words = calloc(parcel->n_words + 1, sizeof(*parcel->words));
	fuzz_assert(parcel->words);
	for (size_t i = 0; i < parcel->n_words; i++)
		parcel->words[i] = take_number(input);
}

static int open_something(uint8_t how)
{
	int fd;

	if (how & 1)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = memfd_create("pool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fuzz_assert(fd >= 0);
	fuzz_assert(ftruncate(fd, POOL_BYTES) == 0);
	if (how & 2)
		(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void take_descriptors(struct input *input, struct parcel *parcel)
{
	for (unsigned int n = input_u8(input) % 6; n > 0; n--) {
		const char *kind = PICK(kinds, input_u8(input));
		int fd = open_something(input_u8(input));

		fuzz_assert(fd >= 0);
		fuzz_assert(parcel_add_consume(parcel, kind, fd) == 0);
	}
}

static void check_memory(const struct memory *memory)
{
	uint64_t end = 0;

	fuzz_assert(memory->n_segments > 0);
	for (size_t i = 0; i < memory->n_segments; i++) {
		const struct run *run = &memory->segments[i];
		uint64_t last;

		fuzz_assert(run->size_bytes > 0);
		fuzz_assert(!__builtin_add_overflow(
			run->phys, run->size_bytes - 1, &last));
		fuzz_assert(i == 0 || run->phys > end);
		end = last;
	}
}

static void unpack(struct tract *tract, struct parcel *parcel)
{
	const struct backend_options options = {
		.devmem_path = "/nonexistent",
		.udmabuf_path = "/nonexistent",
	};
	struct error why = ERROR_INIT;

	fuzz_assert(tract->id > 0);
	fuzz_assert(config_name_check(tract->name, NULL) == 0);
	fuzz_assert(tract->spec.size_bytes > 0);
	if (tract_unpack(tract, &options, parcel, &why) == 0)
		check_memory(tract->memory);
	else
		fuzz_assert(*why.text);
}

static void judge_deed(struct input *input, const void *bytes, size_t size)
{
	struct error why = ERROR_INIT;
	struct tract *tract = NULL;
	struct parcel parcel;

	parcel_init(&parcel);
	if (deed_decode(bytes, size, &tract, &parcel, &why) == 0) {
		take_descriptors(input, &parcel);
		unpack(tract, &parcel);
		(void)tract_free(tract);
	} else {
		fuzz_assert(*why.text);
	}
	parcel_deinit(&parcel);
}

/* Where the deed begins within its record is the record's affair: where it can
 * be read from. */
static size_t find_deed(const char *record, size_t length)
{
	for (size_t at = 0; at < MOST_IN_FRONT && at < length; at += 8) {
		struct tract *tract = NULL;
		struct parcel parcel;
		int r;

		parcel_init(&parcel);
		r = deed_decode(record + at, length - at, &tract, &parcel, NULL);
		parcel_deinit(&parcel);
		if (r == 0) {
			(void)tract_free(tract);
			return at;
		}
	}
	return length;
}

/* As it was written, but for some bytes. */
static void do_written_deed(struct input *input)
{
	struct tract *tract = take_tract(input);
	_cleanup_free_ char *record = NULL;
	_cleanup_fd_ int fd = -1;
	struct parcel parcel;
	size_t length, at;

	parcel_init(&parcel);
	take_words(input, &parcel);
	fd = deed_write(tract, &parcel, NULL);
	fuzz_assert(fd >= 0);
	(void)tract_free(tract);
	parcel_deinit(&parcel);
	fuzz_assert(lseek(fd, 0, SEEK_SET) == 0);
	fuzz_assert(fd_read_all(fd, 1 << 20, &record, &length) == 0);
	at = find_deed(record, length);
	if (at == length)
		return; /* no daemon describes a region like this */
	for (unsigned int n = input_u8(input) % 8; n > 0; n--) {
		size_t where = input_u16(input) % (length - at);

		record[at + where] ^= (char)input_u8(input);
	}
	judge_deed(input, record + at, length - at);
}

/* A record out of bytes, sealed as whoever wrote it would have. */
static void do_record(struct input *input)
{
	_cleanup_fd_ int fd =
		memfd_create("deed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct error why = ERROR_INIT;
	struct tract *tract = NULL;
	struct parcel parcel;

	fuzz_assert(fd >= 0);
	fuzz_assert(input->size == 0 ||
		    fd_write_all(fd, input->data, input->size) == 0);
	fuzz_assert(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	parcel_init(&parcel);
	if (deed_read(fd, &tract, &parcel, &why) == 0)
		unpack(tract, &parcel);
	else
		fuzz_assert(*why.text);
	if (tract)
		(void)tract_free(tract);
	parcel_deinit(&parcel);
}

static void drop_all(struct list *tracts)
{
	struct tract *tract;

	while ((tract = list_first(tracts, struct tract, link)))
		(void)tract_free(tract);
}

static size_t count(const struct list *tracts)
{
	const struct tract *tract;
	size_t n = 0;

	list_for_each (tract, tracts, link)
		n++;
	return n;
}

/* What was read can be written, and reads the same. */
static void read_roll(int directory_fd)
{
	struct list tracts = LIST_INIT(tracts), again = LIST_INIT(again);
	struct error why = ERROR_INIT;
	_cleanup_fd_ int seal_fd = -1;

	if (roll_read(directory_fd, &tracts, &why) < 0) {
		fuzz_assert(*why.text);
		fuzz_assert(list_empty(&tracts));
		return;
	}
	seal_fd = roll_draft(directory_fd, &tracts, &why);
	fuzz_assert(seal_fd >= 0);
	fuzz_assert(roll_enact(directory_fd, &why) == 0);
	fuzz_assert(roll_read(directory_fd, &again, &why) == 0);
	fuzz_assert(count(&tracts) == count(&again));
	drop_all(&tracts);
	drop_all(&again);
}

static void do_roll(struct input *input)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *directory = NULL;
	_cleanup_fd_ int directory_fd = -1;
	int fd;

	fuzz_assert(asprintf(&directory, "%s/contigd-fuzz-XXXXXX",
			     tmp ? tmp : "/tmp") > 0);
	fuzz_assert(mkdtemp(directory));
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_assert(directory_fd >= 0);
	fd = openat(directory_fd, ROLL_NAME, O_WRONLY | O_CREAT | O_CLOEXEC,
		    0600);
	fuzz_assert(fd >= 0);
	fuzz_assert(input->size == 0 ||
		    fd_write_all(fd, input->data, input->size) == 0);
	fuzz_assert(flock(fd, LOCK_SH | LOCK_NB) == 0); /* its seal */
	read_roll(directory_fd);
	(void)fd_close(fd);
	(void)unlinkat(directory_fd, ROLL_NAME, 0);
	fuzz_assert(rmdir(directory) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	switch (input_u8(&input) % 4) {
	case 0:
		judge_deed(&input, input.data, input.size);
		break;
	case 1:
		do_written_deed(&input);
		break;
	case 2:
		do_record(&input);
		break;
	default:
		do_roll(&input);
		break;
	}
	return 0;
}
