/* SPDX-License-Identifier: MIT */
#include "tests/bench/trace.h"

#include <stdlib.h>

/*
 * A fixed set of clients, each of which holds one buffer, or one stream of
 * buffers of one size.  At each turn one of them, any of them with the same
 * chance, gives back what it has and asks for something else.  How many clients
 * there are follows from the occupancy: so many that what they want is that
 * share of the region on average.  It goes up and down around that, as the
 * sizes are random, and where there is less free than was asked for no
 * allocator is to blame; such requests are counted apart.
 *
 * A refused client either goes without until its next turn, or asks for the
 * same at every turn from then on, the longest waiting first and before anybody
 * else.  The latter is the harder case: nothing is given up, so what is large
 * and hard to place gathers among those who wait.
 *
 * Nobody's time with a buffer says anything about how long he will keep it, and
 * sizes do not depend on one another; an allocator cannot guess what comes.
 * What it can know is that the buffers of one stream come and go together.  Only
 * a peer that is told when a buffer goes knows more: turns do not depend on where
 * anything was placed, so they can be drawn before.
 *
 * Camera sizes are a catalogue of resolutions times bytes a pixel, each equally
 * often: such sizes repeat, so holes that fit exactly do occur.
 */

#define MAX_STREAM 8
#define MIN_STREAM 3
#define OCTAVES	   13 /* of granules: 1 to 8191 */

/* So many mean lives are foreseen beyond the last turn. */
#define FORESEEN_LIVES 16

struct client {
	uint64_t size;	/* of each buffer, in granules */
	uint64_t count; /* of buffers */
	uint64_t starts[MAX_STREAM];
	bool holds; /* else it has nothing, or waits */
	bool waits;
};

struct scene {
	const struct trace *trace;
	const struct peer *peer;
	struct trace_outcome *outcome;
	void *state; /* the peer's */
	uint64_t random;
	uint64_t free; /* granules */
	uint64_t n_clients;
	struct client *clients;
	uint64_t *waiting; /* clients, the longest waiting first */
	uint64_t n_waiting;
	uint64_t *next_turns; /* by client: when it gives back; or NULL */
	uint64_t *later;      /* by turn: the next one of the same client */
};

/* What a turn is about. */
struct turn {
	uint64_t which;	      /* client */
	uint64_t size, count; /* that it wants then */
};

static const uint64_t pixels[] = {
	1280 * 720,  1280 * 800,  1280 * 960,  1600 * 1200,
	1920 * 1080, 1920 * 1200, 2048 * 1536, 2560 * 1440,
	2592 * 1944, 3280 * 2464, 3840 * 2160,
};

/* In halves: NV12, YUYV or raw of 16 bits, RGB, RGBA. */
static const uint64_t half_bytes[] = {3, 4, 6, 8};

#define N_PIXELS (sizeof(pixels) / sizeof(*pixels))
#define N_BYTES	 (sizeof(half_bytes) / sizeof(*half_bytes))

/* A number below limit.  splitmix64, from the description in Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t draw(struct scene *scene, uint64_t limit)
{
	uint64_t z = scene->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % limit;
}

static uint64_t camera_granules(uint64_t i)
{
	uint64_t bytes = pixels[i / N_BYTES] * half_bytes[i % N_BYTES] / 2;

	return (bytes + PEER_GRANULE_BYTES - 1) / PEER_GRANULE_BYTES;
}

static uint64_t draw_size(struct scene *scene)
{
	uint64_t octave;

	if (scene->trace->sizes == TRACE_CAMERA)
		return camera_granules(draw(scene, N_PIXELS * N_BYTES));
	octave = UINT64_C(1) << draw(scene, OCTAVES);
	return octave + draw(scene, octave);
}

static double mean_size(const struct trace *trace)
{
	double sum = 0;

	if (trace->sizes == TRACE_CAMERA) {
		for (uint64_t i = 0; i < N_PIXELS * N_BYTES; i++)
			sum += (double)camera_granules(i);
		return sum / (double)(N_PIXELS * N_BYTES);
	}
	for (int i = 0; i < OCTAVES; i++)
		sum += 1.5 * (double)(1 << i) - 0.5;
	return sum / OCTAVES;
}

static uint64_t count_clients(const struct trace *trace)
{
	double wanted = (double)trace->granules * trace->percent / 100;
	double each = mean_size(trace);

	if (trace->streams)
		each *= (MIN_STREAM + MAX_STREAM) / 2.0;
	return wanted < each ? 1 : (uint64_t)(wanted / each + 0.5);
}

static bool try_to_serve(struct scene *scene, struct client *client)
{
	uint64_t granules = client->size * client->count;

	if (scene->next_turns)
		scene->peer->expect_end(
			scene->state,
			scene->next_turns[client - scene->clients]);
	if (granules > scene->free ||
	    !peer_alloc_row(scene->peer, scene->state, client->count,
			    client->size, client->starts))
		return false;
	scene->free -= granules;
	client->holds = true;
	client->waits = false;
	return true;
}

static void give_back(struct scene *scene, struct client *client)
{
	if (!client->holds)
		return;
	for (uint64_t i = 0; i < client->count; i++)
		scene->peer->free(scene->state, client->starts[i], client->size);
	scene->free += client->size * client->count;
	client->holds = false;
}

static void serve_waiting(struct scene *scene)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < scene->n_waiting; i++) {
		uint64_t which = scene->waiting[i];

		if (!try_to_serve(scene, &scene->clients[which]))
			scene->waiting[n++] = which;
	}
	scene->n_waiting = n;
}

static void draw_wish(struct scene *scene, struct turn *turn)
{
	turn->size = draw_size(scene);
	turn->count =
		scene->trace->streams
			? MIN_STREAM + draw(scene, MAX_STREAM - MIN_STREAM + 1)
			: 1;
}

/* All is drawn, whether it is asked for or not: nobody's random numbers depend on
 * what was refused before. */
static struct turn draw_turn(struct scene *scene)
{
	struct turn turn = {.which = draw(scene, scene->n_clients)};

	draw_wish(scene, &turn);
	return turn;
}

static void ask(struct scene *scene, const struct turn *turn)
{
	struct client *client = &scene->clients[turn->which];

	client->size = turn->size;
	client->count = turn->count;
	scene->outcome->requests++;
	if (try_to_serve(scene, client))
		return;
	if (client->size * client->count > scene->free)
		scene->outcome->lacking++;
	else
		scene->outcome->refused++;
	if (scene->trace->asks_again) {
		client->waits = true;
		scene->waiting[scene->n_waiting++] = turn->which;
	}
}

static void take_turn(struct scene *scene, uint64_t number)
{
	const struct turn turn = draw_turn(scene);
	struct client *client = &scene->clients[turn.which];

	if (scene->next_turns)
		scene->next_turns[turn.which] = scene->later[number];
	give_back(scene, client);
	serve_waiting(scene);
	if (!client->waits && !client->holds)
		ask(scene, &turn);
}

/* Draws all turns that are to come, as they will be drawn again. */
static bool foresee(struct scene *scene)
{
	uint64_t n = scene->trace->turns + FORESEEN_LIVES * scene->n_clients;
	struct scene future = *scene;
	struct turn wish;

	scene->next_turns = calloc(scene->n_clients, sizeof(uint64_t));
	scene->later = calloc(n, sizeof(uint64_t));
	if (!scene->next_turns || !scene->later)
		return false;
	for (uint64_t i = 0; i < scene->n_clients; i++) {
		draw_wish(&future, &wish);
		scene->next_turns[i] = n;
	}
	for (uint64_t i = 0; i < n; i++)
		scene->later[i] = draw_turn(&future).which;
	for (uint64_t i = n; i-- > 0;) {
		uint64_t which = scene->later[i];

		scene->later[i] = scene->next_turns[which];
		scene->next_turns[which] = i;
	}
	return true;
}

static void play(struct scene *scene)
{
	const struct trace *trace = scene->trace;
	uint64_t warm = trace->turns / 4;
	double taken = 0;

	for (uint64_t i = 0; i < scene->n_clients; i++) {
		struct turn first = {.which = i};

		draw_wish(scene, &first);
		ask(scene, &first);
	}
	for (uint64_t i = 0; i < trace->turns; i++) {
		if (i == warm)
			*scene->outcome = (struct trace_outcome){0};
		take_turn(scene, i);
		if (i >= warm)
			taken += (double)(trace->granules - scene->free);
	}
	scene->outcome->occupancy =
		taken / (double)(trace->turns - warm) / (double)trace->granules;
	for (uint64_t i = 0; i < scene->n_clients; i++)
		give_back(scene, &scene->clients[i]);
}

bool trace_run(const struct trace *trace, const struct peer *peer,
	       struct trace_outcome *outcome)
{
	struct scene scene = {
		.trace = trace,
		.peer = peer,
		.outcome = outcome,
		.state = peer->new (trace->granules),
		.random = trace->seed,
		.free = trace->granules,
		.n_clients = count_clients(trace),
	};
	bool ready;

	scene.clients = calloc(scene.n_clients, sizeof(*scene.clients));
	scene.waiting = calloc(scene.n_clients, sizeof(*scene.waiting));
	ready = scene.state && scene.clients && scene.waiting &&
		(!peer->expect_end || foresee(&scene));
	*outcome = (struct trace_outcome){0};
	if (ready)
		play(&scene);
	peer->destroy(scene.state);
	free(scene.clients);
	free(scene.waiting);
	free(scene.next_turns);
	free(scene.later);
	return ready;
}
