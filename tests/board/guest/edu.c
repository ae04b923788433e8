/* SPDX-License-Identifier: MIT */

/*
 * edu SOURCE DESTINATION LENGTH: makes QEMU's "edu" PCI device copy memory by
 * DMA, from and to physical addresses.
 *
 * The device is a witness: it knows nothing of page tables, files or contigd,
 * only addresses on the bus, which on this board are physical addresses.  It
 * has a buffer of 4 KiB, so a copy goes through it piece by piece.  This is
 * its driver, in user space by way of sysfs; it runs as root, like a driver
 * would, while the memory belongs to a client that has no privilege.
 *
 * Registers and the buffer's place are from QEMU's docs/specs/edu.rst.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define EDU_ID	"0x1234 0x11e8"

#define EDU_LIVENESS	    0x04
#define EDU_DMA_SOURCE	    0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT	    0x90
#define EDU_DMA_COMMAND	    0x98
#define EDU_DMA_RUN	    UINT64_C(1)
#define EDU_DMA_TO_MEMORY   UINT64_C(2)
#define EDU_BUFFER	    0x40000
#define EDU_BUFFER_BYTES    4096
#define EDU_BAR_BYTES	    0x100000

#define PCI_COMMAND	   4
#define PCI_COMMAND_MASTER 4
#define LIMIT_SECONDS	   20

static volatile uint8_t *bar;

static void read_text(const char *device, const char *name, char *text,
		      size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, name);

	FILE *file = fopen(path, "re");

	if (!file || !fgets(text, (int)size, file))
		err(1, "%s", path);
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* Leaves the name of the device's folder in name. */
static void find_device(char *name, size_t size)
{
	DIR *folder = opendir(DEVICES);
	struct dirent *entry;

	if (!folder)
		err(1, DEVICES);
	while ((entry = readdir(folder))) {
		char vendor[16], device[16], id[34];

		if (entry->d_name[0] == '.')
			continue;
		read_text(entry->d_name, "vendor", vendor, sizeof(vendor));
		read_text(entry->d_name, "device", device, sizeof(device));
		snprintf(id, sizeof(id), "%s %s", vendor, device);
		if (strcmp(id, EDU_ID) == 0) {
			snprintf(name, size, "%s", entry->d_name);
			closedir(folder);
			return;
		}
	}
	errx(1, "there is no edu device");
}

static int open_part(const char *device, const char *part, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, part);

	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void start_device(const char *device)
{
	uint16_t command;
	int fd = open_part(device, "enable", O_WRONLY);

	if (write(fd, "1", 1) != 1)
		err(1, "enabling the device");
	close(fd);

	fd = open_part(device, "config", O_RDWR);
	if (pread(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "reading the PCI command register");
	command |= PCI_COMMAND_MASTER;
	if (pwrite(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "making the device a bus master");
	close(fd);

	fd = open_part(device, "resource0", O_RDWR);
	bar = mmap(NULL, EDU_BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	if (bar == MAP_FAILED)
		err(1, "mapping the device");
	close(fd);

	volatile uint32_t *liveness = (volatile uint32_t *)(bar + EDU_LIVENESS);

	*liveness = 0x5aa5c33c;
	if (*liveness != (uint32_t)~0x5aa5c33c)
		errx(1, "the device does not answer");
}

static volatile uint64_t *wide(unsigned int offset)
{
	return (volatile uint64_t *)(bar + offset);
}

/* One transfer between memory and the device's buffer. */
static void transfer(uint64_t source, uint64_t destination, uint64_t count,
		     uint64_t direction)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	time_t start = time(NULL);

	*wide(EDU_DMA_SOURCE) = source;
	*wide(EDU_DMA_DESTINATION) = destination;
	*wide(EDU_DMA_COUNT) = count;
	*wide(EDU_DMA_COMMAND) = EDU_DMA_RUN | direction;
	while (*wide(EDU_DMA_COMMAND) & EDU_DMA_RUN) {
		if (time(NULL) - start > LIMIT_SECONDS)
			errx(1, "the device did not finish");
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	char device[256];

	if (argc != 4)
		errx(2, "usage: edu SOURCE DESTINATION LENGTH");

	uint64_t source = strtoull(argv[1], NULL, 0);
	uint64_t destination = strtoull(argv[2], NULL, 0);
	uint64_t length = strtoull(argv[3], NULL, 0);

	find_device(device, sizeof(device));
	start_device(device);
	for (uint64_t done = 0; done < length; done += EDU_BUFFER_BYTES) {
		uint64_t count = length - done;

		if (count > EDU_BUFFER_BYTES)
			count = EDU_BUFFER_BYTES;
		transfer(source + done, EDU_BUFFER, count, 0);
		transfer(EDU_BUFFER, destination + done, count,
			 EDU_DMA_TO_MEMORY);
	}
	printf("%" PRIu64 " bytes from 0x%" PRIx64 " to 0x%" PRIx64 "\n",
	       length, source, destination);
	return 0;
}
