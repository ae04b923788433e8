/* SPDX-License-Identifier: MIT */
#include "daemon/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#include "config.h"

/*
 * The options of contigd(8).  What can also stand in the configuration file has
 * the same name there, and the command line wins; regions are added to those of
 * the file.  Every complaint names the option, and main() turns it into exit
 * status 2.
 */

enum {
	OPTION_ALLOW_CORRUPTING_KERNEL = 256,
	OPTION_CONFIG,
	OPTION_DEFAULT_REGION,
	OPTION_DTB,
	OPTION_LOG_LEVEL,
	OPTION_MAKE_NOTHING_AHEAD,
	OPTION_POOL,
	OPTION_PREPARE,
	OPTION_SIMULATE,
	OPTION_SOCKET,
	OPTION_TREE,
	OPTION_USER,
};

static const struct option options[] = {
	{"allow-corrupting-kernel", no_argument, NULL,
	 OPTION_ALLOW_CORRUPTING_KERNEL},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"default-region", required_argument, NULL, OPTION_DEFAULT_REGION},
	{"dtb", required_argument, NULL, OPTION_DTB},
	{"help", no_argument, NULL, 'h'},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"make-nothing-ahead", no_argument, NULL, OPTION_MAKE_NOTHING_AHEAD},
	{"pool", required_argument, NULL, OPTION_POOL},
	{"prepare", no_argument, NULL, OPTION_PREPARE},
	{"simulate", required_argument, NULL, OPTION_SIMULATE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"tree", required_argument, NULL, OPTION_TREE},
	{"user", required_argument, NULL, OPTION_USER},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

const char *command_line_help(void)
{
	return "Usage: contigd [OPTION]...\n"
	       "Lends physically contiguous memory over a Unix socket.\n"
	       "\n"
	       "  --socket PATH           listen here [" CONTIG_DEFAULT_SOCKET
	       "]\n"
	       "  --config FILE           configuration [" CONFIG_DEFAULT_PATH
	       "]\n"
	       "  --dtb FILE              read this devicetree blob instead of "
	       "the live tree\n"
	       "  --tree DIR              read this directory instead of the "
	       "live tree\n"
	       "  --simulate [NAME=]SIZE[,granule=SIZE][,guard=SIZE]\n"
	       "                          add a region of simulated memory\n"
	       "  --pool "
	       "NAME=SIZE[,page-size=SIZE][,granule=SIZE][,guard=SIZE]\n"
	       "                          add a region of huge pages\n"
	       "  --default-region NAME   serve requests that name no region\n"
	       "  --user USER             become this user, where started as "
	       "root [contigd]\n"
	       "  --log-level LEVEL       err, warning, info or debug\n"
	       "  --make-nothing-ahead    make buffers when they are asked for, "
	       "not before\n"
	       "  --allow-corrupting-kernel\n"
	       "                          use udmabuf although this kernel is "
	       "known to map\n"
	       "                          wrong pages\n"
	       "  --prepare               open memory, leave it with the "
	       "service manager, and exit\n"
	       "  -V, --version           print the version and exit\n"
	       "  -h, --help              print this and exit\n"
	       "\n"
	       "Sizes take K, M, G and T.  See contigd(8).\n";
}

static int add_region(struct command_line *line, bool is_pool, const char *text,
		      struct error *why)
{
	struct command_line_region *grown =
		reallocarray(line->regions, line->n_regions + 1, sizeof(*grown));

	if (!grown)
		return error_set(why, -ENOMEM, "out of memory");
	line->regions = grown;
	line->regions[line->n_regions++] = (struct command_line_region){
		.is_pool = is_pool,
		.text = text,
	};
	return 0;
}

static int set_log_level(struct command_line *line, const char *name,
			 struct error *why)
{
	if (log_level_from_name(name, &line->log_level) < 0)
		return error_set(why, -EINVAL,
				 "--log-level: '%s' is not one of err, "
				 "warning, info, debug",
				 name);
	line->has_log_level = true;
	return 0;
}

/* getopt_long() says of the options that it knows their value, of a letter that
 * it does not know the letter, and 0 of a word. */
static int complain(int option, char **argv, struct error *why)
{
	bool is_known = optopt == 'h' || optopt == 'V' || optopt >= 256;

	if (option == ':')
		return error_set(why, -EINVAL, "option '%s' needs an argument",
				 argv[optind - 1]);
	if (is_known)
		return error_set(why, -EINVAL, "'%s': no argument is wanted",
				 argv[optind - 1]);
	if (optopt)
		return error_set(why, -EINVAL, "there is no option '-%c'",
				 optopt);
	return error_set(why, -EINVAL,
			 "there is no option '%s', or several start like this",
			 argv[optind - 1]);
}

static int handle(struct command_line *line, int option, char **argv,
		  struct error *why)
{
	switch (option) {
	case 'h':
		line->help = true;
		return 0;
	case 'V':
		line->version = true;
		return 0;
	case OPTION_ALLOW_CORRUPTING_KERNEL:
		line->allow_corrupting_kernel = true;
		return 0;
	case OPTION_CONFIG:
		line->config = optarg;
		return 0;
	case OPTION_DEFAULT_REGION:
		line->default_region = optarg;
		return 0;
	case OPTION_DTB:
		line->dtb = optarg;
		return 0;
	case OPTION_LOG_LEVEL:
		return set_log_level(line, optarg, why);
	case OPTION_MAKE_NOTHING_AHEAD:
		line->nothing_ahead = true;
		return 0;
	case OPTION_POOL:
		return add_region(line, true, optarg, why);
	case OPTION_PREPARE:
		line->prepare = true;
		return 0;
	case OPTION_SIMULATE:
		return add_region(line, false, optarg, why);
	case OPTION_SOCKET:
		line->socket = optarg;
		return 0;
	case OPTION_TREE:
		line->tree = optarg;
		return 0;
	case OPTION_USER:
		line->user = optarg;
		return 0;
	default:
		return complain(option, argv, why);
	}
}

int command_line_parse(struct command_line *line, int argc, char **argv,
		       struct error *why)
{
	int option, r;

	memset(line, 0, sizeof(*line));
	optind = 0; /* start anew, also after another parse */
	while ((option = getopt_long(argc, argv, ":hV", options, NULL)) >= 0) {
		r = handle(line, option, argv, why);
		if (r < 0)
			goto failed;
	}
	r = -EINVAL;
	if (optind < argc) {
		error_write(why, "'%s' is no option", argv[optind]);
		goto failed;
	}
	if (line->dtb && line->tree) {
		error_write(why, "--dtb and --tree exclude each other");
		goto failed;
	}
	return 0;
failed:
	command_line_deinit(line);
	return r;
}

void command_line_deinit(struct command_line *line)
{
	free(line->regions);
	line->regions = NULL;
	line->n_regions = 0;
}

static int replace(char **stringp, const char *value)
{
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*stringp);
	*stringp = copy;
	return 0;
}

static int set_user(const char *name, struct configuration *config,
		    struct error *why)
{
	int r = config_identity_find(name, &config->user, why);

	if (r < 0)
		return error_prefix(why, r, "--user");
	config->has_user = true;
	return 0;
}

int command_line_apply(const struct command_line *line,
		       struct configuration *config, struct error *why)
{
	int r = 0;

	if (replace(&config->socket, line->socket) < 0 ||
	    replace(&config->default_region, line->default_region) < 0)
		return error_set(why, -ENOMEM, "out of memory");
	if (line->has_log_level) {
		config->has_log_level = true;
		config->log_level = line->log_level;
	}
	if (line->user)
		r = set_user(line->user, config, why);
	if (line->nothing_ahead)
		config->nothing_ahead = true;
	if (line->allow_corrupting_kernel)
		config->allow_corrupting_kernel = true;
	for (size_t i = 0; r == 0 && i < line->n_regions; i++) {
		const struct command_line_region *region = &line->regions[i];

		if (region->is_pool)
			r = config_add_pool(config, region->text, why);
		else
			r = config_add_simulated(config, region->text, why);
	}
	return r;
}
